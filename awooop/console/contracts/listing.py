"""The list of revisions: newest first, filters kept in the address, pages by key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, Field, field_validator, model_validator

from awooop.console import accounts, answers, projects
from awooop.console.contracts import words
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Choice, Moment
from awooop.kit.db import Scope, pipe
from awooop.kit.redaction import redact
from awooop.tenants import access
from awooop.tenants.models import PROJECT_ID
from contracts import listing as revisions
from contracts.models import ContractRevision, Family, Lifecycle

PER_PAGE = ("50", "100", "200")
_NAMES = {
    "project": gettext_lazy("Project"),
    "family": gettext_lazy("Family"),
    "contract": gettext_lazy("Contract"),
    "status": gettext_lazy("Status"),
    "per_page": gettext_lazy("Per page"),
}


class Asked(BaseModel):
    """The query of the list, as it stands in the address."""

    project: Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")] | None = None
    family: Family | None = None
    contract: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    status: Lifecycle | None = None
    per_page: Literal["50", "100", "200"] | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @field_validator("project", "contract")
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

    def filters(self, scope: Scope) -> revisions.Filters:
        """Return what to read, within what the person may see."""
        return revisions.Filters(
            scope=access.narrowed(scope, self.project),
            family=self.family.value if self.family else None,
            contract_id=self.contract,
            status=self.status.value if self.status else None,
        )

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in values.items() if not name.endswith("_than")}


@dataclass(frozen=True, slots=True)
class Row:
    """A revision as the list shows it."""

    name: str
    href: str
    family: str
    version: str
    status: Badge
    project: str
    author: str
    created: Moment


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the revisions a person may see, newest first."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    try:
        asked, faults = rest.read(Asked, query), []
    except Invalid as reason:
        asked, faults = Asked(), _faults(reason)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = revisions.Page()
        if not faults:
            found = revisions.page(
                p,
                asked.filters(scope),
                per_page=int(asked.per_page or PER_PAGE[0]),
                older_than=asked.older_than,
                newer_than=asked.newer_than,
            )
    now = timezone.now()
    context = {
        "rows": [_row(each, now) for each in found.revisions],
        "faults": faults,
        **_filters(asked, [project.project_id for project in seen]),
        **_neighbours(asked, found),
    }
    return admin.page(
        site,
        request,
        "console/contracts/list.html",
        context,
        title=_("Contracts"),
        status=400 if faults else 200,
    )


def _row(revision: ContractRevision, now: datetime) -> Row:
    return Row(
        name=revision.contract_id,
        href=reverse("admin:contract", args=[revision.revision_id]),
        family=words.family(revision.contract_family),
        version=revision.version or "–",
        status=words.status(revision.lifecycle_status),
        project=revision.project_id,
        author=revision.created_by,
        created=Moment.of(revision.created_at, now),
    )


def _faults(reason: Invalid) -> list[str]:
    errors = cast(list[dict[str, str]], reason.facts["errors"])
    names = sorted({str(_NAMES.get(error["field"], _("Page"))) for error in errors})
    return [_("“%(name)s” has a value that cannot be used.") % {"name": name} for name in names]


def _filters(asked: Asked, seen: list[str]) -> dict[str, Any]:
    kept = asked.kept()
    known = seen if asked.project is None else sorted({*seen, asked.project})
    statuses = {each.value: capfirst(str(each.label)) for each in Lifecycle}
    families = {each.value: str(name) for each, name in words.FAMILIES.items()}
    return {
        "kept": kept,
        "contract": asked.contract or "",
        "statuses": admin.choices(kept, "status", _("All"), statuses),
        "families": admin.choices(kept, "family", _("All"), families),
        "projects": admin.choices(kept, "project", _("All"), {name: name for name in known}),
        "per_pages": [Choice(n, n, n == (asked.per_page or PER_PAGE[0])) for n in PER_PAGE],
        "is_filtered": bool(kept.keys() - {"per_page"}),
    }


def _neighbours(asked: Asked, found: revisions.Page) -> dict[str, str]:
    is_first = asked.older_than is None and asked.newer_than is None
    return admin.neighbours(asked.kept(), older=found.older, newer=found.newer, is_first=is_first)
