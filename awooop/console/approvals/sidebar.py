"""How many requests wait, as every page of the console says it."""

from django.http import HttpRequest

from awooop.kit.db import EVERYONE, pipe
from awooop.tenants.models import Operator

MOST = 99
_KNOWN = "awooop_waiting"  # where a request keeps it

# Each project gives what its index of waiting requests has, and never more than can be shown.
_WAITING = f"""
SELECT count(*) FROM (
  SELECT FROM awooop_projects p, LATERAL (
    SELECT FROM awooop_approval a
     WHERE a.project_id = p.project_id AND a.standing = 'pending' LIMIT {MOST + 1}) of_project
   WHERE %(sees_all)s OR p.project_id IN (
     SELECT m.project_id FROM awooop_member m WHERE m.operator_id = %(who)s)
   LIMIT {MOST + 1}) of_all
"""


def waiting(request: HttpRequest) -> int:
    """Return how many requests wait that a person may see; one more than :data:`MOST` at most.

    Asked once a request: a form that opens a transaction of its own lets this be asked before.
    """
    known = vars(request)
    if _KNOWN not in known:
        known[_KNOWN] = _count(request.user)
    return int(known[_KNOWN])


def _count(person: object) -> int:
    if not isinstance(person, Operator) or not person.is_active:
        return 0
    with pipe() as p, p.operator_tx(EVERYONE):
        p.plan_each()
        sent = p.send(_WAITING, {"who": person.pk, "sees_all": bool(person.platform_role)})
        found = sent.fetchone()
    return int(found[0]) if found else 0


def told(count: int) -> str:
    """Return the number as the sidebar has room for it."""
    return f"{MOST}+" if count > MOST else str(count) if count else ""
