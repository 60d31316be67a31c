"""The inbox: every request that waits for a decision, the oldest first."""

from datetime import datetime
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.models import Standing
from awooop.console import accounts, answers, lists, projects
from awooop.console.approvals import requests, showing
from awooop.console.approvals.showing import Looker, Request
from awooop.console.gateway import reading
from awooop.kit import admin
from awooop.kit.db import Pipe, Scope, pipe
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role

PER_PAGE = 25


class Asked(lists.Query[UUID]):
    """The query of the inbox."""

    def reading(self, scope: Scope, per_page: int) -> reading.Asked:
        """Return what to read, within what the person may see."""
        return reading.Asked(
            scope=access.narrowed(scope, self.project),
            wanted={"standing": Standing.PENDING.value},
            per_page=per_page,
            older_than=self.older_than,
            newer_than=self.newer_than,
            oldest_first=True,
        )


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what waits for a decision in the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    looker = looking(request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = reading.Page() if wrong else requests.page(p, asked.reading(scope, PER_PAGE))
        cast = requests.votes(p, found.rows)
    now = timezone.now()
    frame = lists.Frame(
        asked,
        [lists.by_project(asked, seen)],
        lists.Empty(
            _("Nothing waits for a decision"),
            _("An action that needs a human's yes waits here, the oldest first."),
            "check",
        ),
        wrong,
    )
    context = {
        "rows": [showing.shown(row, cast, looker, now) for row in found.rows],
        "history_href": reverse("admin:approval-history"),
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/approvals/inbox.html",
        context,
        title=_("Approvals"),
        status=frame.status,
    )


def oldest(p: Pipe, scope: Scope, looker: Looker, now: datetime, *, most: int) -> list[Request]:
    """Return the requests that have waited longest, for a page that has room for a few."""
    found = requests.page(p, Asked().reading(scope, most))
    cast = requests.votes(p, found.rows)
    return [showing.shown(row, cast, looker, now) for row in found.rows]


def looking(request: HttpRequest) -> Looker:
    """Return who looks at a page of requests."""
    person = accounts.person_of(request)
    return Looker(actor_name(person), access.scope_of(person, Role.APPROVER))
