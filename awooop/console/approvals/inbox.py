"""The inbox: every request that waits for a decision, the oldest first."""

from datetime import datetime
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import BaseModel, model_validator

from approvals.models import Standing
from awooop.console import accounts, answers, projects
from awooop.console.approvals import requests, showing
from awooop.console.approvals.showing import Looker, Request
from awooop.console.gateway import places, reading
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.db import Pipe, Scope, pipe
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role

PER_PAGE = 25


class Asked(BaseModel):
    """The query of the inbox, as it stands in the address."""

    project: places.ProjectId | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Asked":
        if self.older_than and self.newer_than:
            raise ValueError("a page is either older or newer")
        return self

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

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        return {"project": self.project} if self.project else {}


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what waits for a decision in the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, looker = _asked(request), looking(request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = requests.page(p, asked.reading(scope, PER_PAGE))
        cast = requests.votes(p, found.rows)
    now, kept = timezone.now(), asked.kept()
    known = {project.project_id: project.project_id for project in seen}
    is_first = asked.older_than is None and asked.newer_than is None
    links = admin.neighbours(kept, older=found.older, newer=found.newer, is_first=is_first)
    context = {
        "rows": [showing.shown(row, cast, looker, now) for row in found.rows],
        "projects": admin.choices(kept, "project", _("All"), known),
        "is_filtered": bool(asked.project),
        "oldest": links.pop("newest"),
        "history_href": reverse("admin:approval-history"),
        **links,
    }
    return admin.page(site, request, "console/approvals/inbox.html", context, title=_("Approvals"))


def oldest(p: Pipe, scope: Scope, looker: Looker, now: datetime, *, most: int) -> list[Request]:
    """Return the requests that have waited longest, for a page that has room for a few."""
    found = requests.page(p, Asked().reading(scope, most))
    cast = requests.votes(p, found.rows)
    return [showing.shown(row, cast, looker, now) for row in found.rows]


def looking(request: HttpRequest) -> Looker:
    """Return who looks at a page of requests."""
    person = accounts.person_of(request)
    return Looker(actor_name(person), access.scope_of(person, Role.APPROVER))


def _asked(request: HttpRequest) -> Asked:
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    try:
        return rest.read(Asked, query)
    except Invalid:
        raise Http404 from None
