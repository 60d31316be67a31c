"""The run list: filters kept in the address, pages by key, no count beyond a thousand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, Field, field_validator, model_validator

from awooop.console import accounts, answers, projects, wording
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Choice, Moment
from awooop.kit.db import Scope, pipe
from awooop.kit.redaction import redact
from awooop.tenants import access
from awooop.tenants.models import PROJECT_ID
from runs import queries
from runs.fsm import State

COLUMNS = (*queries.STATUS, "trigger_type")
PER_PAGE = ("50", "100", "200")
_SINCE: dict[str, tuple[timedelta, Promise]] = {
    "hour": (timedelta(hours=1), gettext_lazy("Last hour")),
    "day": (timedelta(days=1), gettext_lazy("Last day")),
    "week": (timedelta(days=7), gettext_lazy("Last week")),
}
_NAMES = {
    "project": gettext_lazy("Project"),
    "state": gettext_lazy("State"),
    "agent": gettext_lazy("Agent"),
    "kind": gettext_lazy("Kind"),
    "since": gettext_lazy("Created"),
    "per_page": gettext_lazy("Per page"),
    "older_than": gettext_lazy("Page"),
    "newer_than": gettext_lazy("Page"),
}


class Asked(BaseModel):
    """The query of the list, as it stands in the address."""

    project: Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")] | None = None
    state: State | None = None
    agent: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    kind: Literal["shadow", "live"] | None = None
    since: Literal["hour", "day", "week"] | None = None
    per_page: Literal["50", "100", "200"] | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @field_validator("project", "agent")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if redact(value) != value:
            raise ValueError("no name is a secret")  # the page repeats what it filters by
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "Asked":
        if self.older_than and self.newer_than:
            raise ValueError("a page is either older or newer")
        return self

    def filters(self, scope: Scope, now: datetime) -> queries.Filters:
        """Return what to read, within what the person may see."""
        return queries.Filters(
            scope=access.narrowed(scope, self.project),
            state=self.state.value if self.state else None,
            agent_id=self.agent,
            is_shadow=self.kind == "shadow" if self.kind else None,
            since=now - _SINCE[self.since][0] if self.since else None,
        )

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in values.items() if not name.endswith("_than")}


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
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    now = timezone.now()
    try:
        asked, faults = rest.read(Asked, query), []
    except Invalid as reason:
        asked, faults = Asked(), _faults(reason)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = queries.Page()
        if not faults:
            found = queries.page(
                p,
                asked.filters(scope, now),
                per_page=int(asked.per_page or PER_PAGE[0]),
                older_than=asked.older_than,
                newer_than=asked.newer_than,
                columns=COLUMNS,
            )
    context = {
        "rows": rows(found.runs, now),
        "faults": faults,
        "total": found.total,
        "total_is_exact": found.total_is_exact,
        **_filters(asked, [project.project_id for project in seen]),
        **_neighbours(asked, found),
    }
    return admin.page(
        site,
        request,
        "console/run_list.html",
        context,
        title=_("Runs"),
        status=400 if faults else 200,
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


def _faults(reason: Invalid) -> list[str]:
    errors = cast(list[dict[str, str]], reason.facts["errors"])
    fields = {error["field"] for error in errors}
    names = sorted({str(_NAMES.get(field, _("Page"))) for field in fields})
    return [_("“%(name)s” has a value that cannot be used.") % {"name": name} for name in names]


def _filters(asked: Asked, seen: list[str]) -> dict[str, Any]:
    kept = asked.kept()
    states = {state.value: capfirst(str(state.label)) for state in State}
    shadow = {"shadow": _("Shadow"), "live": _("Live")}
    since = {value: str(label) for value, (_length, label) in _SINCE.items()}
    known = seen if asked.project is None else sorted({*seen, asked.project})
    return {
        "kept": kept,
        "agent": asked.agent or "",
        "states": admin.choices(kept, "state", _("All"), states),
        "projects": admin.choices(kept, "project", _("All"), {name: name for name in known}),
        "kinds": admin.choices(kept, "kind", _("All"), shadow),
        "sinces": admin.choices(kept, "since", _("Any time"), since),
        "per_pages": [Choice(n, n, n == (asked.per_page or PER_PAGE[0])) for n in PER_PAGE],
        "is_filtered": bool(kept.keys() - {"per_page"}),
    }


def _neighbours(asked: Asked, found: queries.Page) -> dict[str, str]:
    is_first = asked.older_than is None and asked.newer_than is None
    return admin.neighbours(asked.kept(), older=found.older, newer=found.newer, is_first=is_first)
