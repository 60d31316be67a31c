"""What was decided, and what became of it: the newest first."""

from collections.abc import Collection, Sequence
from typing import Literal
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from approvals.models import Risk, Standing
from awooop.console import accounts, answers, lists, projects
from awooop.console.approvals import inbox, requests, showing, words
from awooop.console.gateway import reading
from awooop.console.projects import ProjectRow
from awooop.kit import admin
from awooop.kit.admin import Crumb
from awooop.kit.db import Scope, pipe
from awooop.tenants import access

_ENDED = [each.value for each in Standing if each is not Standing.PENDING]


class Asked(lists.Query[UUID]):
    """The query of the list."""

    agent: lists.Word | None = None
    standing: Literal["approved", "rejected", "expired", "withdrawn"] | None = None
    risk: Risk | None = None

    def reading(self, scope: Scope) -> reading.Asked:
        """Return what to read, within what the person may see."""
        return reading.Asked(
            scope=access.narrowed(scope, self.project),
            wanted={
                "standing": self.standing or _ENDED,
                "risk": self.risk.value if self.risk else None,
                "agent_id": self.agent,
            },
            older_than=self.older_than,
            newer_than=self.newer_than,
        )


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what was decided in the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    looker = inbox.looking(request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = reading.Page() if wrong else requests.page(p, asked.reading(scope))
    now, frame = timezone.now(), _frame(asked, wrong, seen)
    context = {
        "rows": [showing.shown(row, {}, looker, now) for row in found.rows],
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/approvals/history.html",
        context,
        title=_("Decided"),
        crumbs=[Crumb(_("Approvals"), reverse("admin:approvals"))],
        status=frame.status,
    )


def _frame(asked: Asked, wrong: Collection[str], seen: Sequence[ProjectRow]) -> lists.Frame:
    standings = {each: capfirst(str(Standing(each).label)) for each in _ENDED}
    risks = {each.value: words.risk(each.value).text for each in Risk}
    return lists.Frame(
        asked,
        [
            lists.one_of(asked, "standing", _("Decision"), standings),
            lists.one_of(asked, "risk", _("Risk"), risks),
            lists.typed(asked, "agent", _("Agent")),
            lists.by_project(asked, seen),
        ],
        lists.Empty(
            _("Nothing was decided yet"),
            _("What people said yes or no to is kept here, with what became of it."),
        ),
        wrong,
    )
