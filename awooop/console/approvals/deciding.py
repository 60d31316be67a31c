"""One request: what is asked for and how it stands, and saying yes or no to it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import decisions, tasks
from approvals.decisions import Decided, Decision
from approvals.models import Standing
from awooop.console import accounts
from awooop.console.approvals import inbox, requests, showing, words
from awooop.console.approvals.requests import Votes
from awooop.console.gateway import spelled
from awooop.console.gateway import words as gateway_words
from awooop.console.gateway.reading import Row
from awooop.console.gateway.spelled import Part
from awooop.errors import Conflict, Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb
from awooop.kit.db import pipe, tenant_tx
from awooop.kit.redaction import redact
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from runs.fsm import State

_LONGEST_REASON = 500


class ReasonForm(forms.Form):
    """Why somebody says yes or no."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=_LONGEST_REASON,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """Where a person changed what was asked for: what it was, and what it is."""

    at: str
    was: list[Part]
    now: list[Part]


def detail(
    site: AdminSite, request: HttpRequest, project_id: str, approval_id: str
) -> HttpResponse:
    """Show a request."""
    return _page(site, request, *_found(request, project_id, approval_id))


def decide(
    site: AdminSite, request: HttpRequest, project_id: str, approval_id: str, decision: str
) -> HttpResponse:
    """Say exactly what a yes or a no leads to, ask for its reason, and count it."""
    try:
        said = Decision(decision)
    except ValueError:
        raise Http404 from None
    found, cast = _found(request, project_id, approval_id)
    looker = inbox.looking(request)
    if not access.holds(looker.decides, project_id):
        raise PermissionDenied
    posted = request.method == "POST"
    form = ReasonForm(request.POST if posted else None)
    if form.is_valid():
        return _decided(site, request, found, said, form.cleaned_data["reason"])
    shown = showing.shown(found, cast, looker, timezone.now(), is_whole=True)
    if shown.hindrance:
        return _page(site, request, found, cast, status=403 if shown.is_pending else 409)
    is_yes = said is Decision.APPROVE
    context = {
        "asked": shown,
        "form": form,
        "is_yes": is_yes,
        "others": shown.missing - 1,
        "is_last": shown.missing <= 1,
        "action_sha256": found["action_sha256"],
    }
    return admin.page(
        site,
        request,
        "console/approvals/decide.html",
        context,
        title=_("Approve this action?") if is_yes else _("Reject this action?"),
        crumbs=[*_crumbs(), Crumb(_title(found), shown.href)],
        status=422 if posted else 200,
    )


def _decided(
    site: AdminSite, request: HttpRequest, found: Row, decision: Decision, reason: str
) -> HttpResponse:
    place = found["project_id"], found["approval_id"]
    try:
        with tenant_tx(found["project_id"]):
            told = decisions.decide(
                *place,
                decision,
                approver=actor_name(accounts.person_of(request)),
                reason=reason,
                at=timezone.now(),
            )
    except Conflict as conflict:
        now_found, cast = _found(request, found["project_id"], str(found["approval_id"]))
        told_so = _(conflict.code.title)
        return _page(site, request, now_found, cast, conflict=told_so, status=409)
    if told.new_state is State.RUNNING:
        tasks.go_on(found["project_id"], told.run_id)
    messages.success(request, _outcome(told))
    return redirect("admin:approval", *place)


def _outcome(told: Decided) -> str:
    if told.decision is Decision.REJECT:
        return _("Rejected: nothing is executed.")
    if told.new_state is State.RUNNING:
        return _("Approved: the call is made now, once.")
    return _("Your yes is counted: %(progress)s.") % {
        "progress": words.progress(told.votes, told.needed)
    }


def _found(request: HttpRequest, project_id: str, approval_id: str) -> tuple[Row, Votes]:
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    try:
        identity = rest.read_uuid(approval_id)
    except Invalid:
        raise Http404 from None
    with pipe() as p, p.operator_tx(scope):
        found = requests.one(p, project_id, identity)
        if found is None:
            raise Http404
        return found, requests.votes(p, [found])


def _page(
    site: AdminSite,
    request: HttpRequest,
    found: Row,
    cast: Votes,
    *,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = showing.shown(found, cast, inbox.looking(request), timezone.now(), is_whole=True)
    context = {
        "asked": shown,
        "conflict": conflict,
        "facts": {name: found[name] for name in ("action_sha256", "ticket_id")},
        "edited_href": _of(found["project_id"], found["edited_from"]),
        "changes": [_change(each) for each in found["changes"] or ()],
        "is_approved": found["standing"] == Standing.APPROVED,
        **_result(found["result"]),
    }
    return admin.page(
        site,
        request,
        "console/approvals/detail.html",
        context,
        title=_title(found),
        crumbs=_crumbs(),
        status=status,
    )


def _result(result: Any) -> dict[str, Any]:
    """Return what the call answered, as a page shows it: inert, and redacted once more."""
    if not result:
        return {"result": []}
    told = redact(result)
    content = told.get("structured") or told.get("content")
    return {
        "result": spelled.parts(spelled.pretty(content)) if content else [],
        "result_status": gateway_words.status(told["status"]),
        "result_code": gateway_words.coded(told.get("code")),
        "result_reason": spelled.plain(told.get("reason") or ""),
        "call_id": told.get("call_id", ""),
    }


def _of(project_id: str, approval_id: UUID | None) -> str:
    return reverse("admin:approval", args=[project_id, approval_id]) if approval_id else ""


def _change(change: dict[str, Any]) -> Change:
    was, now = ([], [])
    if "was" in change:
        was = spelled.parts(spelled.pretty(redact(change["was"])))
    if "now" in change:
        now = spelled.parts(spelled.pretty(redact(change["now"])))
    return Change(spelled.plain(change["at"]), was, now)


def _title(found: Row) -> str:
    return _("Request …%(end)s") % {"end": str(found["approval_id"])[-8:]}


def _crumbs() -> list[Crumb]:
    return [Crumb(_("Approvals"), reverse("admin:approvals"))]
