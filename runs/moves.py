"""The one place where a run changes state.

Every move, of one run or of a batch, is one statement of the same shape: lock the rows that may
move, update them under the fence. The database checks each against :data:`runs.fsm.MOVES` once
more and writes its transition.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.errors import Code, Conflict, NotFound
from awooop.kit import redaction
from awooop.kit.db import in_tx
from runs import fsm
from runs.fsm import State

# Judged by the database's clock alone: a worker's own may be an hour off. The state is asked in a
# form that no index answers, so that the key finds the run, not a walk over all that are running.
FENCE = (
    "(r.state = 'running') IS TRUE AND r.lease_epoch = %(epoch)s"
    " AND r.lease_expires_at > clock_timestamp()"
)

MOST_TOLD = 500  # characters of a reason or of an error's detail

# A run that a human's yes has let go on is queued again without its last worker's name.
_GOES_ON = "r.worker_id IS NULL AND r.lease_epoch > 0"

_TERMINAL = ", ".join(f"'{state.value}'" for state in sorted(fsm.TERMINAL))

_SHAPE = """
WITH held AS MATERIALIZED ({held}),
moved AS (
  UPDATE awooop_run_state r
     SET state = h.goes,
         version = r.version + 1,
         moved_by = %(actor)s,
         move_reason = h.reason,
         worker_id = CASE WHEN h.goes = 'running' THEN %(worker)s ELSE r.worker_id END,
         lease_epoch = r.lease_epoch + (h.goes = 'running')::int,
         lease_expires_at = CASE WHEN h.goes = 'running'
                                 THEN clock_timestamp() + make_interval(secs => %(lease)s) END,
         heartbeat_at = CASE WHEN h.goes = 'running' THEN clock_timestamp()
                             ELSE r.heartbeat_at END,
         attempt_count = r.attempt_count
           + (h.goes = 'running' AND r.state = 'pending' AND NOT ({goes_on}))::int,
         started_at = CASE WHEN h.goes = 'running' THEN COALESCE(r.started_at, clock_timestamp())
                           ELSE r.started_at END,
         waiting_since = CASE WHEN h.goes = 'waiting_approval' THEN clock_timestamp() END,
         timeout_at = CASE WHEN r.state = 'waiting_approval'
                           THEN r.timeout_at + (clock_timestamp() - r.waiting_since)
                           ELSE r.timeout_at END,
         completed_at = CASE WHEN h.goes IN ({terminal}) THEN clock_timestamp() END,
         error_code = COALESCE(h.error_code, r.error_code),
         error_detail = COALESCE(h.error_detail, r.error_detail){also}
    FROM held h
   WHERE r.run_id = h.run_id AND r.project_id = h.project_id{fence}
  RETURNING {returning}
){then}
{answer}
"""


@cache
def statement(
    *, held: str, returning: str, answer: str, also: str = "", fence: str = "", then: str = ""
) -> str:
    """Return the SQL of a move.

    :param held: a SELECT with the columns ``run_id project_id goes reason error_code
        error_detail``: which runs move and where to. It locks them, unless ``fence`` judges them.
    :param returning: the columns of ``moved`` (``r`` is the run as it is now, ``h`` is ``held``).
    :param answer: the final SELECT, over ``moved``.
    :param also: further assignments, starting with a comma.
    :param fence: a further condition on ``r``, starting with AND.
    :param then: further CTEs fed by ``moved``, starting with a comma.

    The statement takes ``worker lease actor`` besides the parameters of its own parts.
    """
    return _SHAPE.format(
        held=held,
        returning=returning,
        answer=answer,
        also=also,
        fence=fence,
        then=then,
        terminal=_TERMINAL,
        goes_on=_GOES_ON,
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move left behind."""

    run_id: UUID
    was: State
    now: State
    version: int


_ONE = statement(
    held="""
  SELECT r.run_id, r.project_id, r.state AS was, %(to)s AS goes, %(reason)s AS reason,
         %(error_code)s::text AS error_code, %(error_detail)s::text AS error_detail
    FROM awooop_run_state r
   WHERE r.run_id = %(run_id)s AND r.state = ANY (%(sources)s) FOR UPDATE""",
    returning="h.was, r.state, r.version",
    answer="SELECT was, state, version FROM moved",
)


@in_tx
def move(
    run_id: UUID,
    to: State,
    *,
    actor: str,
    reason: str,
    error_code: Code | None = None,
    error_detail: str | None = None,
) -> Moved:
    """Move one run of the transaction's tenant, or say who got there first.

    What it is told goes into the journal without secrets. Not for workers: what they write is
    fenced (:mod:`runs.leases`).

    :raises NotFound: no such run in this project.
    :raises Conflict: it is not in a state that can become ``to``; facts name the present state.
    """
    params: dict[str, Any] = {
        "run_id": run_id,
        "to": to.value,
        "sources": [state.value for state in fsm.sources(to)],
        "reason": redaction.excerpt(reason, MOST_TOLD),
        "actor": actor[:150],
        "error_code": error_code.value if error_code else None,
        "error_detail": redaction.excerpt(error_detail, MOST_TOLD) if error_detail else None,
        "worker": None,
        "lease": 0,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_ONE, params)
        if row := cursor.fetchone():
            was, now, version = row
            return Moved(run_id, State(was), State(now), version)
        cursor.execute("SELECT state FROM awooop_run_state WHERE run_id = %s", [run_id])
        present = cursor.fetchone()
    if present is None:
        raise NotFound(Code.RUN_UNKNOWN)
    raise Conflict(
        Code.RUN_ILLEGAL_MOVE,
        f"the run is {present[0]}; it cannot become {to.value}",
        state=present[0],
    )
