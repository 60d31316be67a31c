"""The page that asks for a reason before a person resolves, approves or retires something."""

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from awooop.console import accounts
from awooop.console.gateway.reading import Row
from awooop.console.operations import cells, deeds, pages
from awooop.kit import admin
from awooop.kit.admin import Crumb
from awooop.kit.db import tenant_tx
from awooop.tenants.authentication import actor_name

_LONGEST_REASON = 500


class ReasonForm(forms.Form):
    """Why somebody does this."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=_LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def act(
    site: AdminSite, request: HttpRequest, project_id: str, identity: str, deed: str, kind: str
) -> HttpResponse:
    """Say what it leads to, ask for its reason, and do it."""
    wanted = deeds.DEEDS.get((kind, deed))
    if wanted is None:
        raise Http404
    known, found = pages.found(request, project_id, identity, kind)
    if not pages.decides(request, project_id):
        raise PermissionDenied
    here = cells.href(kind, project_id, known)
    posted = request.method == "POST"
    form = ReasonForm(request.POST if posted else None)
    if not wanted.is_open(found):
        messages.warning(request, wanted.too_late)
        return redirect(here)
    if form.is_valid():
        actor = actor_name(accounts.person_of(request))
        with tenant_tx(project_id):
            is_done = wanted.verb(
                project_id, known, actor, form.cleaned_data["reason"], timezone.now()
            )
        tell = messages.success if is_done else messages.warning
        tell(request, wanted.told if is_done else wanted.too_late)
        return redirect(here)
    return _asking(site, request, wanted, found, form, here, status=422 if posted else 200)


def _asking(
    site: AdminSite,
    request: HttpRequest,
    wanted: deeds.Deed,
    found: Row,
    form: ReasonForm,
    here: str,
    *,
    status: int,
) -> HttpResponse:
    wording = pages.WORDINGS[wanted.kind]
    sheet = cells.sheet(wanted.kind, found, timezone.now())
    context = {"deed": wanted, "sheet": sheet, "form": form, "back": here}
    return admin.page(
        site,
        request,
        "console/operations/act.html",
        context,
        title=str(wanted.question),
        crumbs=[
            Crumb(str(wording.title), reverse(f"admin:{wanted.kind}")),
            Crumb(sheet.name, here),
        ],
        status=status,
    )
