"""The audit in the console: how each chain stands, and searching one of them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from pydantic import Field

from awooop.audit import queries
from awooop.audit.acts import Act, Outcome
from awooop.audit.queries import Chain, Filters, Page
from awooop.console import accounts, answers, lists
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import EVERYONE, pipe
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import access

PER_PAGE = 50
_OUTCOMES = {
    Outcome.SUCCESS: ("good", "check"),
    Outcome.REFUSED: ("warn", "block"),
    Outcome.ERROR: ("bad", "error"),
}
_Row = Annotated[int, Field(ge=0, le=2**62)]


class Asked(lists.Query[_Row]):
    """The query of the search."""

    project: lists.Word | None = None  # the platform's own chain has one too
    act: Act | None = None
    actor: lists.Word | None = None
    target: lists.Word | None = None
    since: lists.Since | None = None

    def filters(self, now: datetime) -> Filters:
        """Return what to look for."""
        return Filters(
            project_id=self.project or "",
            act=self.act.value if self.act else None,
            actor=self.actor,
            target=self.target,
            since=lists.begin(self.since, now),
        )


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
    asked, wrong = lists.read(Asked, request)
    now = timezone.now()
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
    frame = _frame(asked, wrong, is_empty=not chains)
    context = {
        "chains": told,
        "is_chosen": bool(asked.project),
        "is_cut": len(chains) == queries.MOST_CHAINS,
        "rows": [_event(event, now) for event in found.events],
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/audit_list.html",
        context,
        title=_("Chain: %(name)s") % {"name": told[0].name} if asked.project else _("Audit"),
        crumbs=[Crumb(_("Audit"), reverse("admin:audit"))] if asked.project else [],
        status=frame.status,
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


def _frame(asked: Asked, wrong: Collection[str], *, is_empty: bool) -> lists.Frame:
    acts = {act.value: capfirst(str(act.label)) for act in Act}
    begins = lists.Empty(_("No evidence yet"), _("The first act of a project begins its chain."))
    return lists.Frame(
        asked,
        [
            lists.one_of(asked, "act", _("Act"), acts),
            lists.typed(asked, "actor", _("Actor"), "operator:ann"),
            lists.typed(asked, "target", _("Target")),
            lists.by_time(asked),
        ],
        begins if is_empty else None,
        wrong,
        pinned=["project"],
    )
