"""The budgets of the projects a person may see."""

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from awooop.console import accounts, answers
from awooop.console.budgets import figures
from awooop.console.budgets.figures import Standing
from awooop.kit import admin
from awooop.kit.db import pipe
from awooop.ledger import queries
from awooop.tenants import access
from awooop.tenants.models import PROJECT_ID

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A project's money as the list shows it."""

    project_id: str
    display_name: str
    href: str
    day: Standing
    month: Standing


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List where each project's day and month stand."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    after = request.GET.get("after", "")
    if after and PROJECT_ID.fullmatch(after) is None:
        raise Http404
    with pipe() as p, p.operator_tx(scope):
        pairs, more = queries.standings(p, after=after, per_page=PER_PAGE)
    context = {
        "rows": [_row(pair) for pair in pairs],
        "next": admin.href({}, after=more) if more else "",
        "first": bool(after),
    }
    return admin.page(site, request, "console/budgets/list.html", context, title=_("Budgets"))


def _row(pair: queries.Rows) -> Row:
    day, month = pair
    return Row(
        project_id=day["project_id"],
        display_name=day["display_name"],
        href=reverse("admin:budget", args=[day["project_id"]]),
        day=figures.standing(day),
        month=figures.standing(month),
    )
