"""One project's money: where it stands, what it went on, who may spend how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from awooop.console import accounts
from awooop.console.budgets import bodies, chart, figures
from awooop.console.budgets.figures import Measure, Standing
from awooop.console.budgets.setting import LimitForm
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import pipe
from awooop.ledger import queries
from awooop.ledger.models import Level, Period
from awooop.tenants import access
from awooop.tenants.models import PROJECT_ID, Role

ENTRIES, LIMITS = 25, 25


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent's day and month."""

    agent_id: str
    runs_href: str
    day: Standing
    month: Standing


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit, and what was counted against it where it is one count."""

    place: str
    limit: str
    usd: Measure | None
    tokens: Measure | None
    changed_by: str
    changed: Moment
    href: str


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A line of the ledger."""

    at: Moment
    kind: Badge
    agent: str
    purpose: str
    usd: str
    tokens: str
    why: str
    run_id: str


def detail(site: AdminSite, request: HttpRequest, project_id: str) -> HttpResponse:
    """Show where a project's money stands, in a constant number of statements."""
    if PROJECT_ID.fullmatch(project_id) is None:
        raise Http404
    asked = _asked(request)
    person = accounts.person_of(request)
    with pipe() as p, p.operator_tx(access.narrowed(access.scope_of(person), project_id)):
        pairs, _more = queries.standings(p, project_id=project_id)
        report = queries.report(p, project_id)
        limits, limits_after = queries.limit_page(
            p, project_id, after=asked["limits"].after(), per_page=LIMITS
        )
        entries = queries.page(p, project_id, older_than=asked["older_than"], per_page=ENTRIES)
    if not pairs:
        raise Http404
    day, month = pairs[0]
    now = timezone.now()
    context = {
        "project": day,
        "ceiling": figures.exactly(day["ceiling_usd"]) if day["ceiling_usd"] is not None else "",
        "standings": [
            (_("Today"), figures.standing(day)),
            (_("This month"), figures.standing(month)),
        ],
        "chart": chart.of(report.days, day["limit_usd"]),
        "days": [_day(row) for row in reversed(report.days)],
        "day_limit": figures.usd(day["limit_usd"]),
        "agents": _agents(project_id, report.agents),
        "agents_are_cut": len(report.agents) == 2 * queries.MOST_AGENTS,
        "limits": [_limit(project_id, row, now) for row in sorted(limits, key=_widest)],
        "limits_next": _further(request, limits_after),
        "alerts": [_alert(row, now) for row in report.alerts],
        "entries": [_entry(row, now) for row in entries.entries],
        "older": _here(request, older_than=str(entries.older)) if entries.older else "",
        "newest": _here(request, older_than=None) if asked["older_than"] else "",
        "runs_href": reverse("admin:run-list") + admin.href({"project": project_id}),
        "form": LimitForm() if _may_set(request, project_id) else None,
    }
    return admin.page(
        site,
        request,
        "console/budgets/detail.html",
        context,
        title=_("Budget of %(project)s") % {"project": project_id},
        crumbs=[Crumb(_("Budgets"), reverse("admin:budgets"))],
    )


def _may_set(request: HttpRequest, project_id: str) -> bool:
    return access.holds(access.scope_of(accounts.person_of(request), Role.ADMIN), project_id)


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return which pages are wanted, or 404 for those that cannot be."""
    try:
        older = request.GET.get("older_than")
        return {
            "older_than": rest.read_uuid(older) if older else None,
            "limits": rest.read(bodies.LimitsAsked, {"cursor": request.GET.get("limits", "")}),
        }
    except Invalid:
        raise Http404 from None


def _here(request: HttpRequest, **changes: str | None) -> str:
    kept = {name: request.GET[name] for name in ("older_than", "limits") if name in request.GET}
    return admin.href(kept, **changes) + ("#entries" if "older_than" in changes else "#limits")


def _further(request: HttpRequest, after: tuple[str, str, str] | None) -> str:
    return _here(request, limits=bodies.limit_cursor(*after)) if after else ""


def _day(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "day": str(row["day"]),
        "usd": figures.usd(row["spent_usd"]),
        "tokens": figures.tokens(row["spent_tokens"]),
        "calls": f"{row['calls']:,}",
    }


def _agents(project_id: str, rows: queries.Rows) -> list[AgentRow]:
    return [
        AgentRow(
            agent_id=day["agent_id"],
            runs_href=reverse("admin:run-list")
            + admin.href({"project": project_id, "agent": day["agent_id"]}),
            day=figures.standing(day),
            month=figures.standing(month),
        )
        for day, month in zip(rows[::2], rows[1::2], strict=True)
    ]


def _widest(row: Mapping[str, Any]) -> tuple[int, str]:
    return list(Level).index(row["scope"]), row["agent_id"]


def _limit(project_id: str, row: Mapping[str, Any], now: datetime) -> LimitRow:
    standing = figures.standing(row) if row["is_counted"] else None
    prefilled = {
        "place": f"{row['scope']}:{row['period']}",
        "agent": row["agent_id"],
        "usd": figures.plain(row["limit_usd"]) or "",
        "tokens": "" if row["limit_tokens"] is None else str(row["limit_tokens"]),
    }
    return LimitRow(
        place=figures.place(row["scope"], row["period"], row["agent_id"]),
        limit=figures.limit(row["limit_usd"], row["limit_tokens"]),
        usd=standing.usd if standing and row["limit_usd"] is not None else None,
        tokens=standing.tokens if standing and row["limit_tokens"] is not None else None,
        changed_by=row["changed_by"],
        changed=Moment.of(row["changed_at"], now),
        href=reverse("admin:budget-limit", args=[project_id]) + admin.href(prefilled),
    )


def _alert(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    agent = row["key"] if row["level"] == Level.AGENT else ""
    is_run = row["level"] == Level.RUN
    return {
        "threshold": figures.reached(row["threshold"]),
        "place": _("Run") if is_run else figures.place(row["level"], row["period"], agent),
        "run_id": row["key"] if is_run else "",
        "starts_on": "" if row["period"] == Period.TOTAL else str(row["starts_on"]),
        "at": Moment.of(row["at"], now),
    }


def _entry(row: Mapping[str, Any], now: datetime) -> EntryRow:
    level, period = row["refused_level"], row["refused_period"]
    return EntryRow(
        at=Moment.of(row["at"], now),
        kind=figures.kind(row["kind"]),
        agent=row["agent_id"],
        purpose=row["purpose"],
        usd=figures.exactly(row["usd"]),
        tokens=figures.tokens(row["tokens"]),
        why=figures.unfit(row["kind"], level, period) if level else "",
        run_id=str(row["run_id"] or ""),
    )
