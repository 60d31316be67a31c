"""What was decided, and what became of it: the newest first."""

from typing import Literal
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from pydantic import BaseModel, field_validator, model_validator

from approvals.models import Risk, Standing
from awooop.console import accounts, answers, projects
from awooop.console.approvals import inbox, requests, showing, words
from awooop.console.gateway import places, reading
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb
from awooop.kit.db import Scope, pipe
from awooop.kit.redaction import redact
from awooop.tenants import access

_ENDED = [each.value for each in Standing if each is not Standing.PENDING]


class Asked(BaseModel):
    """The query of the list, as it stands in the address."""

    project: places.ProjectId | None = None
    agent: places.Word | None = None
    standing: Literal["approved", "rejected", "expired", "withdrawn"] | None = None
    risk: Risk | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @field_validator("agent")
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

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in values.items() if not name.endswith("_than")}


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what was decided in the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    try:
        asked = rest.read(Asked, query)
    except Invalid:
        raise Http404 from None
    looker = inbox.looking(request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = requests.page(p, asked.reading(scope))
    now, kept = timezone.now(), asked.kept()
    known = {project.project_id: project.project_id for project in seen}
    standings = {each: capfirst(str(Standing(each).label)) for each in _ENDED}
    risks = {each.value: words.risk(each.value).text for each in Risk}
    is_first = asked.older_than is None and asked.newer_than is None
    context = {
        "rows": [showing.shown(row, {}, looker, now) for row in found.rows],
        "standings": admin.choices(kept, "standing", _("All"), standings),
        "risks": admin.choices(kept, "risk", _("All"), risks),
        "projects": admin.choices(kept, "project", _("All"), known),
        "agent": asked.agent or "",
        "is_filtered": bool(kept),
        **admin.neighbours(kept, older=found.older, newer=found.newer, is_first=is_first),
    }
    return admin.page(
        site,
        request,
        "console/approvals/history.html",
        context,
        title=_("Decided"),
        crumbs=[Crumb(_("Approvals"), reverse("admin:approvals"))],
    )
