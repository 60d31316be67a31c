"""The list of revisions: newest first, filters kept in the address, pages by key."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from awooop.console import accounts, answers, lists, projects
from awooop.console.contracts import words
from awooop.console.projects import ProjectRow
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Moment
from awooop.kit.db import Scope, pipe
from awooop.tenants import access
from contracts import listing as revisions
from contracts.models import ContractRevision, Family, Lifecycle


class Asked(lists.Query[UUID]):
    """The query of the list."""

    family: Family | None = None
    contract: lists.Word | None = None
    status: Lifecycle | None = None
    per_page: lists.Size | None = None

    def filters(self, scope: Scope) -> revisions.Filters:
        """Return what to read, within what the person may see."""
        return revisions.Filters(
            scope=access.narrowed(scope, self.project),
            family=self.family.value if self.family else None,
            contract_id=self.contract,
            status=self.status.value if self.status else None,
        )


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
    asked, wrong = lists.read(Asked, request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = revisions.Page()
        if not wrong:
            found = revisions.page(
                p,
                asked.filters(scope),
                per_page=lists.size(asked.per_page),
                older_than=asked.older_than,
                newer_than=asked.newer_than,
            )
    now, frame = timezone.now(), _frame(asked, wrong, seen)
    context = {
        "rows": [_row(each, now) for each in found.revisions],
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/contracts/list.html",
        context,
        title=_("Contracts"),
        status=frame.status,
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


def _frame(asked: Asked, wrong: Collection[str], seen: Sequence[ProjectRow]) -> lists.Frame:
    statuses = {each.value: capfirst(str(each.label)) for each in Lifecycle}
    families = {each.value: str(name) for each, name in words.FAMILIES.items()}
    return lists.Frame(
        asked,
        [
            lists.by_project(asked, seen),
            lists.one_of(asked, "family", _("Family"), families),
            lists.typed(asked, "contract", _("Contract")),
            lists.by_size(asked),
        ],
        lists.Empty(
            _("No contracts yet"), _("A project's first contracts are made when it is onboarded.")
        ),
        wrong,
        pills=lists.one_of(asked, "status", _("Status"), statuses),
    )
