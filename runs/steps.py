"""The journal of a run that does something: each step as intent before it, as result after it."""

from uuid import UUID

from awooop.errors import Code, Conflict
from awooop.kit import redaction
from awooop.kit.db import pipe
from runs import moves
from runs.leases import Lease
from runs.models import StepStatus

# An intent that a lost worker left behind: nobody will ever write its result.
_GIVE_UP = f"""
UPDATE awooop_run_step_journal s
   SET result_status = '{StepStatus.UNKNOWN.value}', completed_at = clock_timestamp()
  FROM awooop_run_state r
 WHERE s.project_id = %(project_id)s AND s.run_id = %(run_id)s AND s.result_status = 'intent'
   AND s.lease_epoch < %(epoch)s
   AND r.project_id = s.project_id AND r.run_id = s.run_id AND {moves.FENCE}
"""
_INTEND = f"""
WITH next AS (
  UPDATE awooop_run_state r SET step_count = r.step_count + 1
   WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s AND {moves.FENCE}
  RETURNING r.step_count
)
INSERT INTO awooop_run_step_journal
       (project_id, run_id, step_seq, tool_name, mcp_gateway_id, result_status, was_blocked,
        lease_epoch, created_at)
SELECT %(project_id)s, %(run_id)s, step_count, %(tool_name)s, %(gateway_id)s, 'intent', false,
       %(epoch)s, clock_timestamp()
  FROM next
RETURNING step_seq
"""
_CONCLUDE = f"""
UPDATE awooop_run_step_journal s
   SET result_status = %(status)s, was_blocked = %(was_blocked)s, block_reason = %(reason)s,
       error_code = %(error_code)s, latency_ms = %(latency_ms)s, completed_at = clock_timestamp()
  FROM awooop_run_state r
 WHERE s.project_id = %(project_id)s AND s.run_id = %(run_id)s AND s.step_seq = %(step_seq)s
   AND s.result_status = 'intent' AND s.lease_epoch = %(epoch)s
   AND r.project_id = s.project_id AND r.run_id = s.run_id AND {moves.FENCE}
RETURNING s.step_seq
"""


def intend(lease: Lease, *, tool_name: str, gateway_id: str | None) -> int:
    """Journal what is about to be done; return the step's number.

    Opens and commits its own transaction.

    :raises Conflict: the lease was lost; nothing may be done.
    """
    params = {
        **_whose(lease),
        "tool_name": redaction.excerpt(tool_name, 200),
        "gateway_id": gateway_id,
    }
    with pipe() as p, p.tenant_tx(lease.project_id):
        p.send(_GIVE_UP, params)
        made = p.send(_INTEND, params)
    if (row := made.fetchone()) is None:
        raise Conflict(Code.RUN_LEASE_LOST)
    step_seq: int = row[0]
    return step_seq


def conclude(
    lease: Lease,
    step_seq: int,
    status: StepStatus,
    *,
    reason: str | None = None,
    code: Code | None = None,
    latency_ms: int | None = None,
) -> None:
    """Journal how a step ended, once.

    Opens and commits its own transaction.

    :raises Conflict: the lease was lost; the step's result is another's to find out.
    """
    params = {
        **_whose(lease),
        "step_seq": step_seq,
        "status": status.value,
        "was_blocked": status is StepStatus.BLOCKED,
        "reason": redaction.excerpt(reason, moves.MOST_TOLD) if reason else None,
        "error_code": code.value if code else None,
        "latency_ms": latency_ms,
    }
    with pipe() as p, p.tenant_tx(lease.project_id):
        done = p.send(_CONCLUDE, params)
    if done.fetchone() is None:
        raise Conflict(Code.RUN_LEASE_LOST)


def _whose(lease: Lease) -> dict[str, str | int | UUID]:
    return {"project_id": lease.project_id, "run_id": lease.run_id, "epoch": lease.epoch}
