"""Runs that wait: put aside with their step, born waiting, resting before another attempt."""

from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.errors import Code, Conflict
from awooop.kit import canonical, ids, redaction
from awooop.kit.db import in_tx
from runs import moves
from runs.fsm import State

_PARK = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, 'waiting_approval' AS goes, %(reason)s AS reason,
         NULL::text AS error_code, NULL::text AS error_detail
    FROM awooop_run_state r
   WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s AND {moves.FENCE} FOR UPDATE""",
    fence=f" AND {moves.FENCE}",
    returning="r.run_id, r.project_id, r.lease_epoch",
    then="""
, concluded AS (
  UPDATE awooop_run_step_journal s
     SET result_status = 'blocked', was_blocked = true, block_reason = %(reason)s,
         error_code = %(code)s, completed_at = clock_timestamp()
    FROM moved m
   WHERE s.project_id = m.project_id AND s.run_id = m.run_id AND s.result_status = 'intent'
     AND s.lease_epoch = m.lease_epoch
)""",
    answer="SELECT 1 FROM moved",
)
_REST = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, 'waiting_tool' AS goes, %(reason)s AS reason,
         NULL::text AS error_code, NULL::text AS error_detail
    FROM awooop_run_state r
   WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s AND {moves.FENCE} FOR UPDATE""",
    fence=f" AND {moves.FENCE}",
    returning="r.run_id",
    answer="SELECT 1 FROM moved",
)
_LONGER = """
UPDATE awooop_run_state SET timeout_at = timeout_at + make_interval(secs => %(longer)s)
 WHERE project_id = %(project_id)s AND run_id = %(run_id)s AND state = 'waiting_tool'
"""
_BORN = """
INSERT INTO awooop_run_state
       (run_id, project_id, agent_id, state, version, is_shadow, trace_id, trigger_type,
        trigger_ref, input, input_sha256, attempt_count, max_attempts, step_count, cost_usd,
        lease_epoch, created_at, timeout_at, moved_by, move_reason)
VALUES (%(run_id)s, %(project_id)s, %(agent_id)s, 'pending', 1, false, %(trace_id)s, 'api',
        %(trigger_ref)s, '{}', %(input_sha256)s, 0, 10, 0, 0, 0, clock_timestamp(),
        clock_timestamp() + make_interval(secs => %(seconds)s), NULL, NULL)
"""
_WAITS = """
INSERT INTO awooop_run_step_journal
       (project_id, run_id, step_seq, tool_name, mcp_gateway_id, result_status, was_blocked,
        block_reason, error_code, lease_epoch, created_at, completed_at)
SELECT r.project_id, r.run_id, r.step_count + 1, %(tool_name)s, %(gateway_id)s, %(status)s,
       %(was_blocked)s, %(reason)s, %(code)s, r.lease_epoch, clock_timestamp(), clock_timestamp()
  FROM awooop_run_state r WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s
"""
_COUNT = """
UPDATE awooop_run_state SET step_count = step_count + 1
 WHERE project_id = %(project_id)s AND run_id = %(run_id)s AND completed_at IS NULL
"""
SECONDS = 600  # of work, once there is a yes; waiting counts apart


@in_tx
def park(project_id: str, run_id: UUID, *, epoch: int, reason: str, code: Code, actor: str) -> None:
    """Let a held run wait for a human; its open step says what for.

    :raises Conflict: the lease was lost.
    """
    params: dict[str, Any] = {
        "project_id": project_id,
        "run_id": run_id,
        "epoch": epoch,
        "reason": redaction.excerpt(reason, moves.MOST_TOLD),
        "code": code.value,
        "actor": actor[:150],
        "worker": None,
        "lease": 0,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_PARK, params)
        if cursor.fetchone() is None:
            raise Conflict(Code.RUN_LEASE_LOST)


@in_tx
def rest(
    project_id: str, run_id: UUID, *, epoch: int, reason: str, actor: str, longer: float = 0
) -> None:
    """Let a held run wait until its tool may be called again; whoever knows when wakes it.

    :param longer: seconds of the wait that are not part of the run's time.
    :raises Conflict: the lease was lost.
    """
    params: dict[str, Any] = {
        "project_id": project_id,
        "run_id": run_id,
        "epoch": epoch,
        "reason": redaction.excerpt(reason, moves.MOST_TOLD),
        "actor": actor[:150],
        "worker": None,
        "lease": 0,
        "longer": longer,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_REST, params)
        if cursor.fetchone() is None:
            raise Conflict(Code.RUN_LEASE_LOST)
        cursor.execute(_LONGER, params)


@in_tx
def queue(project_id: str, agent_id: str, *, trace_id: str, trigger_ref: str) -> UUID:
    """Make a run for something that is known already, for a worker to take up."""
    run_id = ids.new_id()
    params: dict[str, Any] = {
        "run_id": run_id,
        "project_id": project_id,
        "agent_id": agent_id,
        "trace_id": trace_id or ids.trace_id(),
        "trigger_ref": trigger_ref[:300],
        "input_sha256": canonical.sha256_of({}),
        "seconds": SECONDS,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_BORN, params)
    return run_id


@in_tx
def bear(
    project_id: str, agent_id: str, *, trace_id: str, trigger_ref: str, actor: str, reason: str
) -> UUID:
    """Make a run that waits from its first moment, for a call that came without one."""
    run_id = queue(project_id, agent_id, trace_id=trace_id, trigger_ref=trigger_ref)
    moves.move(run_id, State.RUNNING, actor=actor, reason="a call came without a run")
    moves.move(run_id, State.WAITING_APPROVAL, actor=actor, reason=reason)
    return run_id


@in_tx
def note(
    project_id: str,
    run_id: UUID,
    *,
    name: str,
    summary: str,
    is_blocked: bool = False,
    code: Code | None = None,
) -> None:
    """Journal what a person did to a run that is not held by a worker."""
    params: dict[str, Any] = {
        "project_id": project_id,
        "run_id": run_id,
        "tool_name": name,
        "gateway_id": None,
        "status": "blocked" if is_blocked else "success",
        "was_blocked": is_blocked,
        "reason": summary[:128],
        "code": code.value if code else None,
    }
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_WAITS, params)
        cursor.execute(_COUNT, params)
