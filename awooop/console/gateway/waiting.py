"""The tools that wait for release, across the projects a person may see."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from awooop.console import accounts, answers, lists, projects
from awooop.console.gateway import inventory, places, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Moment
from awooop.kit.db import pipe
from awooop.tenants import access


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A tool that waits, as the list shows it."""

    name: str
    href: str
    project: str
    gateway: str
    gateway_href: str
    standing: Badge
    warnings: int
    renamed_from: str
    first_seen: Moment


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List what waits for release, the newest first."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(lists.Query[UUID], request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        rows = [] if wrong else inventory.waiting(p, asked.project)
    now = timezone.now()
    nothing = lists.Empty(
        _("Nothing waits for release"),
        _("A tool comes here when it is first seen, or when its definition changes."),
        "check",
        href=reverse("admin:gateways"),
        action=_("All providers"),
    )
    frame = lists.Frame(asked, [lists.by_project(asked, seen)], nothing, wrong)
    context = {
        "rows": [_row(row, now) for row in rows],
        "is_cut": len(rows) == inventory.MOST_WAITING,
        **frame.context(older="", newer=""),
    }
    return admin.page(
        site,
        request,
        "console/gateway/waiting.html",
        context,
        title=_("Quarantine"),
        status=frame.status,
    )


def _row(row: Row, now: datetime) -> WaitingRow:
    return WaitingRow(
        name=spelled.plain(row["tool_name"]),
        href=places.tool(row),
        project=row["project_id"],
        gateway=row["gateway_id"],
        gateway_href=places.gateway(row),
        standing=words.standing(row["standing"]),
        warnings=len(row["warnings"]),
        renamed_from=spelled.plain(row["renamed_from"] or ""),
        first_seen=Moment.of(row["first_seen_at"], now),
    )
