"""One run: what is known of it and everything that happened, and calling it off."""

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

from awooop.console import accounts, run_list, timeline, wording
from awooop.console.budgets import figures
from awooop.console.timeline import Item
from awooop.console.wording import Badge
from awooop.errors import Conflict, Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import pipe, tenant_tx
from awooop.ledger import queries as ledger
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from runs import cancelling, queries
from runs.fsm import TERMINAL, State


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, as people read it."""

    at: Moment
    offset: str
    day: str
    kind: str
    icon: str
    title: str
    status: Badge
    summary: str
    facts: list[tuple[str, str]]


class CancelForm(forms.Form):
    """Why a run is called off."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, required=False)


def detail(site: AdminSite, request: HttpRequest, run_id: str) -> HttpResponse:
    """Show a run and its timeline, a hundred lines a page."""
    identity, number = _identity(run_id), _page_number(request)
    if identity is None or number is None:
        raise Http404
    scope = access.scope_of(accounts.person_of(request))
    with pipe() as p, p.operator_tx(scope):
        whole = timeline.collect(p, identity)
        if whole is None:
            raise Http404
        money = ledger.of_run(p, whole.run["project_id"], whole.run["agent_id"], identity)
    items, more = timeline.page(whole.timeline, number)
    if not items:
        raise Http404
    here = reverse("admin:run", args=[identity])
    context = {
        **_header(whole),
        **_money(whole, money),
        "lines": _lines(items, whole.run),
        "count": len(whole.timeline),
        "first": (number - 1) * timeline.PER_PAGE + 1,
        "last": (number - 1) * timeline.PER_PAGE + len(items),
        "earlier": here + admin.href({"page": str(number - 1)}) if number > 1 else "",
        "later": here + admin.href({"page": str(number + 1)}) if more else "",
        "may_cancel": not _has_ended(whole.run) and _decides(request, whole.run),
    }
    return admin.page(
        site, request, "console/run_detail.html", context, title=_title(identity), crumbs=_crumbs()
    )


def cancel(site: AdminSite, request: HttpRequest, run_id: str) -> HttpResponse:
    """Ask whether a run is to be called off, and do it."""
    identity = _identity(run_id)
    if identity is None:
        raise Http404
    with pipe() as p, p.operator_tx(access.scope_of(accounts.person_of(request))):
        run = queries.one(p, identity)
    if run is None:
        raise Http404
    if not _decides(request, run):
        raise PermissionDenied
    if _has_ended(run):
        return _too_late(request, identity)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _cancelled(request, identity, run["project_id"], form.cleaned_data["reason"])
    context = {"run": run, "state": wording.state(run["state"]), "form": form}
    crumbs = [*_crumbs(), Crumb(_title(identity), reverse("admin:run", args=[identity]))]
    return admin.page(
        site, request, "console/run_cancel.html", context, title=_("Cancel"), crumbs=crumbs
    )


def _cancelled(request: HttpRequest, run_id: UUID, project_id: str, reason: str) -> HttpResponse:
    try:
        with tenant_tx(project_id):
            cancelling.cancel(
                project_id, run_id, actor=actor_name(accounts.person_of(request)), reason=reason
            )
    except Conflict:
        return _too_late(request, run_id)
    messages.success(request, _("The run is cancelled."))
    return redirect("admin:run", run_id)


def _too_late(request: HttpRequest, run_id: UUID) -> HttpResponse:
    messages.error(request, _("The run had ended before it could be cancelled."))
    return redirect("admin:run", run_id)


def _has_ended(run: dict[str, Any]) -> bool:
    return State(run["state"]) in TERMINAL


def _decides(request: HttpRequest, run: dict[str, Any]) -> bool:
    deciding = access.scope_of(accounts.person_of(request), Role.APPROVER)
    return access.holds(deciding, run["project_id"])


def _header(whole: timeline.Whole) -> dict[str, Any]:
    run, now = whole.run, timezone.now()
    times = ("created_at", "started_at", "completed_at", "timeout_at")
    blocked = sum(step["was_blocked"] for step in whole.steps)
    return {
        "run": run,
        "state": wording.state(run["state"]),
        "shadow": wording.shadow(run["is_shadow"]),
        "trigger": wording.trigger(run["trigger_type"]),
        "fault": wording.fault(run),
        "duration": run_list.lasted(run, now),
        "steps": len(whole.steps),
        "blocked": blocked,
        "others": len(whole.steps) - blocked,
        "project_href": reverse("admin:run-list") + admin.href({"project": run["project_id"]}),
        "agent_href": reverse("admin:run-list") + admin.href({"agent": run["agent_id"]}),
        **{name: Moment.of(run[name], now) if run[name] else None for name in times},
    }


def _money(whole: timeline.Whole, money: dict[str, Any]) -> dict[str, Any]:
    return {
        "cost": figures.exactly(whole.run["cost_usd"]),
        "money": figures.standing(money),
        "limit": figures.limit(money["limit_usd"], money["limit_tokens"]),
        "budget_href": reverse("admin:budget", args=[whole.run["project_id"]]),
    }


def _lines(items: list[Item], run: dict[str, Any]) -> list[Line]:
    now, lines, day = timezone.now(), [], ""
    for item in items:
        at = Moment.of(item.ts, now)
        kind, icon = wording.kind(item)
        since = (item.ts - run["created_at"]).total_seconds()
        lines.append(
            Line(
                at=at,
                offset=f"+{admin.duration(since)}" if since >= 0.0005 else "",
                day=at.iso[:10] if at.iso[:10] != day else "",
                kind=kind,
                icon=icon,
                title=wording.title(item),
                status=wording.status(item),
                summary=wording.summary(item, run),
                facts=wording.facts(item),
            )
        )
        day = at.iso[:10]
    return lines


def _identity(text: str) -> UUID | None:
    try:
        return rest.read_uuid(text)
    except Invalid:
        return None


def _page_number(request: HttpRequest) -> int | None:
    text = request.GET.get("page", "1")
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 5 else None


def _title(run_id: UUID) -> str:
    return _("Run …%(end)s") % {"end": str(run_id)[-8:]}


def _crumbs() -> list[Crumb]:
    return [Crumb(_("Runs"), reverse("admin:run-list"))]
