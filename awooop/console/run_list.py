"""The run list: filters kept in the address, pages by key, no count beyond a thousand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from awooop.console import accounts, answers, lists, projects, wording
from awooop.console.projects import ProjectRow
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Moment
from awooop.kit.db import Scope, pipe
from awooop.tenants import access
from runs import queries
from runs.fsm import State

COLUMNS = (*queries.STATUS, "trigger_type")


class Asked(lists.Query[UUID]):
    """The query of the list."""

    state: State | None = None
    agent: lists.Word | None = None
    kind: Literal["shadow", "live"] | None = None
    since: lists.Since | None = None
    per_page: lists.Size | None = None

    def filters(self, scope: Scope, now: datetime) -> queries.Filters:
        """Return what to read, within what the person may see."""
        return queries.Filters(
            scope=access.narrowed(scope, self.project),
            state=self.state.value if self.state else None,
            agent_id=self.agent,
            is_shadow=self.kind == "shadow" if self.kind else None,
            since=lists.begin(self.since, now),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A run as the list shows it."""

    run_id: str
    href: str
    state: Badge
    shadow: Badge
    project: str
    agent: str
    trigger: str
    steps: int
    created: Moment
    duration: str


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the runs a person may see, newest first."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    now = timezone.now()
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = queries.Page()
        if not wrong:
            found = queries.page(
                p,
                asked.filters(scope, now),
                per_page=lists.size(asked.per_page),
                older_than=asked.older_than,
                newer_than=asked.newer_than,
                columns=COLUMNS,
            )
    frame = _frame(asked, wrong, seen)
    context = {
        "rows": rows(found.runs, now),
        "total": found.total,
        "total_is_exact": found.total_is_exact,
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site, request, "console/run_list.html", context, title=_("Runs"), status=frame.status
    )


def rows(runs: Iterable[Mapping[str, Any]], now: datetime) -> list[Row]:
    """Return runs as a table shows them."""
    return [_row(run, now) for run in runs]


def lasted(run: Mapping[str, Any], now: datetime) -> str:
    """Return how long a run worked, or has worked so far; a dash before it starts."""
    if run["started_at"] is None:
        return "–"
    return admin.duration(((run["completed_at"] or now) - run["started_at"]).total_seconds())


def _row(run: Mapping[str, Any], now: datetime) -> Row:
    return Row(
        run_id=str(run["run_id"]),
        href=reverse("admin:run", args=[run["run_id"]]),
        state=wording.state(run["state"]),
        shadow=wording.shadow(run["is_shadow"]),
        project=run["project_id"],
        agent=run["agent_id"],
        trigger=wording.trigger(run["trigger_type"]),
        steps=run["step_count"],
        created=Moment.of(run["created_at"], now),
        duration=lasted(run, now),
    )


def _frame(asked: Asked, wrong: Collection[str], seen: Sequence[ProjectRow]) -> lists.Frame:
    states = {state.value: capfirst(str(state.label)) for state in State}
    shadow = {"shadow": _("Shadow"), "live": _("Live")}
    return lists.Frame(
        asked,
        [
            lists.by_project(asked, seen),
            lists.typed(asked, "agent", _("Agent")),
            lists.one_of(asked, "kind", _("Kind"), shadow),
            lists.by_time(asked, _("Created")),
            lists.by_size(asked),
        ],
        lists.Empty(
            _("No runs yet"),
            _("A run appears here as soon as an alert comes in or a program asks for one."),
        ),
        wrong,
        pills=lists.one_of(asked, "state", _("State"), states),
    )
