"""What every page of the console says while a kill switch is open."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest
from django.utils.translation import gettext as _

from awooop.console.gateway import stops
from awooop.console.gateway.reading import Row
from awooop.kit.db import EVERYONE, pipe
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.models import Operator

MOST = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """The open switches that concern who looks, in words; the newest ones."""

    lines: list[str]
    is_cut: bool


def open_switches(request: HttpRequest) -> dict[str, Callable[[], Banner | None]]:
    """Give templates what is stopped; asked once a request, and only by a page that shows it."""
    return {"stopped": cache(lambda: _banner(request))}


def _banner(request: HttpRequest) -> Banner | None:
    person = getattr(request, "user", None)
    if not isinstance(person, Operator) or not person.is_active:
        return None
    with pipe() as p, p.operator_tx(EVERYONE):
        rows = stops.opened(
            p, operator_id=person.pk, sees_all=bool(person.platform_role), most=MOST + 1
        )
    if not rows:
        return None
    return Banner([told(row) for row in rows[:MOST]], len(rows) > MOST)


def told(row: Row) -> str:
    """Return what a switch stops, in a sentence."""
    facts = {"project": row["project_id"], "key": row["key"]}
    match row["level"]:
        case _ if row["project_id"] == PLATFORM:
            return _("Every tool call of every project is stopped.")
        case "project":
            return _("Every tool call of %(project)s is stopped.") % facts
        case "agent":
            return _("Every tool call of the agent %(key)s in %(project)s is stopped.") % facts
    return _("Every call of the tool %(key)s in %(project)s is stopped.") % facts
