"""The landing page: how the projects a person may see are doing."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from awooop.console import accounts, answers, projects, run_list, wording
from awooop.console.approvals import inbox
from awooop.console.wording import Badge
from awooop.kit import admin, ids
from awooop.kit.db import pipe
from awooop.tenants import access
from runs import queries
from runs.fsm import State

LATEST = 10
LONGEST_WAITING = 5

# Each state is counted project by project through its index and never beyond the limit: the cost
# does not grow with the table.
_RECENT = f"""
SELECT s.state, (
  SELECT count(*) FROM (
    SELECT FROM awooop_projects p, LATERAL (
      SELECT FROM awooop_run_state r
       WHERE r.state = s.state AND r.project_id = p.project_id AND r.run_id >= %s
       LIMIT {queries.COUNT_UP_TO + 1}) of_project
     LIMIT {queries.COUNT_UP_TO + 1}) of_all)
  FROM unnest(%s::text[]) AS s (state)
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many runs of the last day are in a state."""

    state: Badge
    count: str
    href: str


def overview(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what waits for a decision, the last day at a glance, the newest runs, the projects."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    now, looker = timezone.now(), inbox.looking(request)
    with pipe() as p, p.operator_tx(scope):
        floor = ids.floor_id(now - timedelta(days=1))
        counted = p.send(_RECENT, [floor, State.values])
        seen = projects.seen(p)
        latest = queries.page(
            p, queries.Filters(scope=scope), per_page=LATEST, columns=run_list.COLUMNS
        )
        counts = dict(counted.fetchall())
        waiting = inbox.oldest(p, scope, looker, now, most=LONGEST_WAITING)
    context = {
        "tallies": [_tally(state, counts[state.value]) for state in State],
        "waiting": waiting,
        "rows": run_list.rows(latest.runs, now),
        "projects": seen,
    }
    return admin.page(site, request, "console/overview.html", context, title=_("Overview"))


def _tally(state: State, count: int) -> Tally:
    most = queries.COUNT_UP_TO
    return Tally(
        state=wording.state(state.value),
        count=f"{count:,}" if count <= most else _("%(n)s+") % {"n": f"{most:,}"},
        href=reverse("admin:run-list") + admin.href({"state": state.value, "since": "day"}),
    )
