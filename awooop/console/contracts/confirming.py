"""Asking whether an act upon a revision is meant, and doing it."""

from typing import cast

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from awooop.console import accounts
from awooop.console.contracts import acts, detail, words
from awooop.errors import Code, Conflict, Invalid
from awooop.kit import admin
from awooop.kit.admin import Crumb
from awooop.kit.db import tenant_tx
from awooop.tenants.authentication import actor_name
from contracts.models import ContractRevision


def confirm(site: AdminSite, request: HttpRequest, revision_id: str, act: str) -> HttpResponse:
    """Ask whether an act is meant, and do it.

    :raises Conflict: the revision does not stand where this can be done.
    """
    found = detail.seen(request, revision_id)
    if act not in acts.ACTS:
        raise Http404
    if not detail.decides(request, found, acts.ACTS[act].role):
        raise PermissionDenied
    told = acts.told_of(act, found)
    faults: list[dict[str, str]] = []
    if request.method == "POST":
        try:
            return _done(request, found, act, told)
        except Invalid as reason:
            faults = cast(list[dict[str, str]], reason.facts["errors"])
    elif found.lifecycle_status not in acts.ACTS[act].of:
        raise Conflict(Code.CONTRACT_STEP)
    here = reverse("admin:contract", args=[found.revision_id])
    context = {
        "told": told,
        "name": found.contract_id,
        "family": words.family(found.contract_family),
        "project": found.project_id,
        "version": found.version or "–",
        "hash": found.body_hash,
        "status": words.status(found.lifecycle_status),
        "faults": faults,
        "back": here,
    }
    return admin.page(
        site,
        request,
        "console/contracts/act.html",
        context,
        title=str(told.button),
        crumbs=[*words.crumbs(), Crumb(found.contract_id, here)],
        status=422 if faults else 200,
    )


def _done(request: HttpRequest, found: ContractRevision, act: str, told: acts.Told) -> HttpResponse:
    with tenant_tx(found.project_id):
        acts.ACTS[act].do(found, actor_name(accounts.person_of(request)), timezone.now())
    messages.success(request, str(told.done))
    if act == "discard":
        return redirect("admin:contracts")
    return redirect("admin:contract", found.revision_id)
