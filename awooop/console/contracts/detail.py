"""One revision: what it says, whether it is what was published, who signed it, what differs."""

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from awooop.console import accounts
from awooop.console.contracts import acts, words
from awooop.errors import Corrupt, Invalid
from awooop.kit import admin, canonical, rest
from awooop.kit.admin import Moment
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from contracts import comparison, lifecycle, quorum, seals
from contracts import listing as revisions
from contracts.comparison import Change
from contracts.models import ContractRevision, ContractSignature, Lifecycle

MOST_CHANGES = 200


@dataclass(frozen=True, slots=True)
class Signed:
    """A person's yes, as the page shows it."""

    who: str
    at: Moment
    is_genuine: bool
    counts: bool


@dataclass(frozen=True, slots=True)
class Button:
    """An act that may be done now."""

    href: str
    text: str
    icon: str
    is_grave: bool


def detail(site: AdminSite, request: HttpRequest, revision_id: str) -> HttpResponse:
    """Show a revision."""
    identity = _identity(revision_id)
    with pipe() as p, p.operator_tx(access.scope_of(accounts.person_of(request))):
        found = revisions.one(p, identity)
        if found is None:
            raise Http404
        signed = revisions.signatures(p, found)
        active = revisions.active_beside(p, found)
    counted, needed = _standing(found)
    now = timezone.now()
    context = {
        **_facts(found, now),
        "body": _spelled(found.body),
        "signatures": [_signed(each, is_genuine, counted, now) for each, is_genuine in signed],
        "counted": len(counted),
        "needed": needed,
        **_comparison(found, active),
        "buttons": _buttons(request, found, {each.signer for each, _is_genuine in signed}),
    }
    return admin.page(
        site,
        request,
        "console/contracts/detail.html",
        context,
        title=words.title(found),
        crumbs=words.crumbs(),
    )


def seen(request: HttpRequest, revision_id: str) -> ContractRevision:
    """Return a revision that a person may see.

    :raises Http404: there is none.
    """
    identity = _identity(revision_id)
    with pipe() as p, p.operator_tx(access.scope_of(accounts.person_of(request))):
        found = revisions.one(p, identity)
    if found is None:
        raise Http404
    return found


def decides(request: HttpRequest, revision: ContractRevision, role: Role) -> bool:
    """Tell whether a person has at least this role in a revision's project."""
    return access.holds(access.scope_of(accounts.person_of(request), role), revision.project_id)


def _identity(text: str) -> UUID:
    try:
        return rest.read_uuid(text)
    except Invalid:
        raise Http404 from None


def _standing(revision: ContractRevision) -> tuple[set[str], int | None]:
    """Return whose signatures count now, and how many are needed; None when nobody knows."""
    with tenant_tx(revision.project_id):
        counted = lifecycle.signers(revision)
        try:
            return counted, quorum.needed(revision.project_id)
        except Corrupt:
            return counted, None


def _facts(revision: ContractRevision, now: datetime) -> dict[str, Any]:
    times = ("created_at", "published_at", "activated_at")
    query = {"project": revision.project_id}
    return {
        "revision": {
            "id": str(revision.revision_id),
            "project": revision.project_id,
            "contract": revision.contract_id,
            "version": revision.version or "–",
            "author": revision.created_by,
            "hash": revision.body_hash,
            "key": revision.key_id or "–",
        },
        "family": words.family(revision.contract_family),
        "status": words.status(revision.lifecycle_status),
        "is_draft": revision.lifecycle_status == Lifecycle.DRAFT,
        "is_altered": _is_altered(revision),
        "project_href": reverse("admin:contracts") + admin.href(query),
        "contract_href": reverse("admin:contracts")
        + admin.href(query, family=str(revision.contract_family), contract=revision.contract_id),
        **{name: Moment.of(at, now) if (at := getattr(revision, name)) else None for name in times},
    }


def _is_altered(revision: ContractRevision) -> bool:
    if revision.lifecycle_status != Lifecycle.DRAFT:
        return not seals.is_sound(revision)
    try:
        return canonical.sha256_of(revision.body) != revision.body_hash
    except canonical.NotCanonical:
        return True


def _signed(
    signature: ContractSignature, is_genuine: bool, counted: set[str], now: datetime
) -> Signed:
    return Signed(
        who=signature.signer,
        at=Moment.of(signature.signed_at, now),
        is_genuine=is_genuine,
        counts=is_genuine and signature.signer in counted,
    )


def _comparison(revision: ContractRevision, active: ContractRevision | None) -> dict[str, Any]:
    """Return what differs from the active revision.

    An altered body may have any shape at all, so it is never compared.
    """
    if active is None or active.revision_id == revision.revision_id:
        return {"is_itself_active": active is not None}
    if _is_altered(revision) or _is_altered(active):
        return {"is_incomparable": True, "active": _link(active)}
    found: list[Change] = list(
        islice(comparison.changes(active.body, revision.body), MOST_CHANGES + 1)
    )
    return {
        "active": _link(active),
        "changes": [(each.words, each.is_breaking) for each in found[:MOST_CHANGES]],
        "is_cut": len(found) > MOST_CHANGES,
    }


def _link(active: ContractRevision) -> dict[str, str]:
    return {
        "href": reverse("admin:contract", args=[active.revision_id]),
        "version": active.version,
    }


def _spelled(body: Any) -> str:
    """Return a body as people read it; what they could not see is spelled out."""
    text = json.dumps(body, indent=2, ensure_ascii=False, sort_keys=True)
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text
    )


def _buttons(request: HttpRequest, revision: ContractRevision, signers: set[str]) -> list[Button]:
    mine = actor_name(accounts.person_of(request))
    may = {role: decides(request, revision, role) for role in (Role.APPROVER, Role.ADMIN)}
    return [
        Button(
            href=reverse("admin:contract-act", args=[revision.revision_id, name]),
            text=str((told := acts.told_of(name, revision)).button),
            icon=told.icon,
            is_grave=told.is_grave,
        )
        for name, act in acts.ACTS.items()
        if revision.lifecycle_status in act.of
        and may[act.role]
        and not (name == "sign" and mine in signers)
    ]
