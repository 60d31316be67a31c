"""The audit in the console: how each chain stands, and searching one of them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, Field, model_validator

from awooop.audit import queries
from awooop.audit.acts import Act, Outcome
from awooop.audit.queries import Chain, Filters, Page
from awooop.console import accounts, answers
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import EVERYONE, pipe
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import access

PER_PAGE = 50
_SINCE = {
    "hour": (timedelta(hours=1), gettext_lazy("Last hour")),
    "day": (timedelta(days=1), gettext_lazy("Last day")),
    "week": (timedelta(days=7), gettext_lazy("Last week")),
}
_OUTCOMES = {
    Outcome.SUCCESS: ("good", "check"),
    Outcome.REFUSED: ("warn", "block"),
    Outcome.ERROR: ("bad", "error"),
}
_Text = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Asked(BaseModel):
    """The query of the search, as it stands in the address."""

    project: _Text | None = None
    act: Act | None = None
    actor: _Text | None = None
    target: _Text | None = None
    since: Literal["hour", "day", "week"] | None = None
    older_than: Annotated[int, Field(ge=0, le=2**62)] | None = None
    newer_than: Annotated[int, Field(ge=0, le=2**62)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Asked":
        if self.older_than is not None and self.newer_than is not None:
            raise ValueError("a page is either older or newer")
        return self

    def filters(self, now: datetime) -> Filters:
        """Return what to look for."""
        return Filters(
            project_id=self.project or "",
            act=self.act.value if self.act else None,
            actor=self.actor,
            target=self.target,
            since=now - _SINCE[self.since][0] if self.since else None,
        )

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in values.items() if not name.endswith("_than")}


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A chain as the list shows it."""

    name: str
    href: str
    rows: int
    unsealed: int
    state: Badge
    fault: str
    sealed_at: Moment | None
    checked_at: Moment | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the search shows it."""

    seq: int
    at: Moment
    act: str
    actor: str
    target_type: str
    target: str
    target_href: str
    outcome: Badge
    code: str
    facts: list[tuple[str, str]]
    hash: str


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the chains a person may see, or search the one that was chosen."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    now = timezone.now()
    try:
        asked, is_wrong = rest.read(Asked, query), False
    except Invalid:
        asked, is_wrong = Asked(), True
    if asked.project and not _may_see(scope, asked.project):
        return answers.missing(site, request)
    found = Page()
    with pipe() as p, p.operator_tx(scope):
        chains = queries.chains(p, asked.project)
        if asked.project:
            found = queries.page(
                p,
                asked.filters(now),
                per_page=PER_PAGE,
                older_than=asked.older_than,
                newer_than=asked.newer_than,
            )
    if asked.project and not chains:
        return answers.missing(site, request)
    told = [_chain(chain, now) for chain in chains]
    context = {
        "is_wrong": is_wrong,
        "chains": told,
        "is_chosen": bool(asked.project),
        "is_cut": len(chains) == queries.MOST_CHAINS,
        "rows": [_event(event, now) for event in found.events],
        **_filters(asked),
        **_neighbours(asked, found),
    }
    return admin.page(
        site,
        request,
        "console/audit_list.html",
        context,
        title=_("Chain: %(name)s") % {"name": told[0].name} if asked.project else _("Audit"),
        crumbs=[Crumb(_("Audit"), reverse("admin:audit"))] if asked.project else [],
        status=400 if is_wrong else 200,
    )


def _may_see(scope: Any, project_id: str) -> bool:
    return scope == EVERYONE if project_id == PLATFORM else access.holds(scope, project_id)


def _chain(chain: Chain, now: datetime) -> ChainRow:
    return ChainRow(
        name=_("The platform itself") if chain.project_id == PLATFORM else chain.project_id,
        href=reverse("admin:audit") + admin.href({"project": chain.project_id}),
        rows=chain.rows,
        unsealed=chain.rows - chain.sealed,
        state=_state(chain),
        fault=chain.fault,
        sealed_at=Moment.of(chain.sealed_at, now) if chain.sealed_at else None,
        checked_at=Moment.of(chain.checked_at, now) if chain.checked_at else None,
    )


def _state(chain: Chain) -> Badge:
    if chain.fault:
        return Badge(_("Broken"), "bad", "gpp_bad")
    if chain.checked_at is None:
        return Badge(_("Not sealed yet"), "quiet", "schedule")
    return Badge(_("Holds"), "good", "verified_user")


def _event(event: tuple[Any, ...], now: datetime) -> EventRow:
    seq, at, act, actor, target_type, target, outcome, code, run_id, facts, own_hash = event
    told = json.loads(facts)
    return EventRow(
        seq=seq,
        at=Moment.of(at, now),
        act=capfirst(str(Act(act).label)) if act in Act else act,
        actor=actor,
        target_type=target_type,
        target=target,
        target_href=reverse("admin:run", args=[run_id]) if run_id else "",
        outcome=_outcome(outcome),
        code=code or "",
        facts=[(name, _spelled(value)) for name, value in told.items()],
        hash=own_hash,
    )


def _outcome(value: str) -> Badge:
    if value not in Outcome:
        return Badge(value, "quiet", "info")
    return Badge(capfirst(str(Outcome(value).label)), *_OUTCOMES[Outcome(value)])


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _filters(asked: Asked) -> dict[str, Any]:
    kept = asked.kept()
    acts = {act.value: capfirst(str(act.label)) for act in Act}
    since = {value: str(label) for value, (_length, label) in _SINCE.items()}
    return {
        "project": asked.project or "",
        "actor": asked.actor or "",
        "target": asked.target or "",
        "acts": admin.choices(kept, "act", _("All"), acts),
        "sinces": admin.choices(kept, "since", _("Any time"), since),
        "is_filtered": bool(kept.keys() - {"project"}),
        "reset": admin.href({"project": asked.project or ""}),
    }


def _neighbours(asked: Asked, found: Page) -> dict[str, str]:
    is_first = asked.older_than is None and asked.newer_than is None
    return admin.neighbours(asked.kept(), older=found.older, newer=found.newer, is_first=is_first)
