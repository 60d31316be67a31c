"""Yeses whose run ended without word of their call: called off, lost, or known only later."""

from uuid import UUID

from django.utils import timezone

from approvals.models import Approval, Disposition, Standing
from awooop.audit import acts, sink
from awooop.audit.acts import Act
from awooop.kit.db import pipe, tenant_tx
from gateway.models import Outcome

_AT_ONCE = 200
# Once a run has ended, nobody claims an effect for it any more; what there is of it is all. Of the
# effects of several tickets at most one has left.
_OPEN = f"""
SELECT a.project_id, a.approval_id, a.run_id, a.disposition, sent.outcome
  FROM awooop_approval a
  JOIN awooop_run_state r ON r.project_id = a.project_id AND r.run_id = a.run_id
  LEFT JOIN LATERAL (
    SELECT e.outcome FROM awooop_tool_effect e
     WHERE e.project_id = a.project_id AND NOT e.is_unsent
       AND e.ticket_id IN (SELECT a.ticket_id
                            UNION ALL
                           SELECT t.ticket_id FROM awooop_approval_ticket t
                            WHERE t.project_id = a.project_id AND t.approval_id = a.approval_id)
     LIMIT 1) sent ON true
 WHERE a.standing = 'approved' AND a.disposition IN ('', 'outcome-unknown')
   AND r.completed_at IS NOT NULL
   AND (a.disposition = '' OR sent.outcome IN ('executed', 'error'))
 ORDER BY a.approval_id LIMIT {_AT_ONCE}
"""
_DISPOSITIONS = {
    None: Disposition.DENIED,
    Outcome.EXECUTED: Disposition.EXECUTED,
    Outcome.ERROR: Disposition.FAILED,
    Outcome.CLAIMED: Disposition.UNKNOWN,
    Outcome.UNKNOWN: Disposition.UNKNOWN,
}


def settle() -> int:
    """Write down what became of such actions; return how many."""
    with pipe() as p, p.worker_tx():
        found = p.send(_OPEN)
    return sum(_settle(*each) for each in found.fetchall())


def _settle(project_id: str, approval_id: UUID, run_id: UUID, was: str, outcome: str | None) -> int:
    """Settle one in a transaction of its own; its worker may do so at the same moment."""
    now = _DISPOSITIONS[Outcome(outcome) if outcome else None]
    with tenant_tx(project_id):
        changed = Approval.objects.filter(
            project_id=project_id,
            approval_id=approval_id,
            standing=Standing.APPROVED,
            disposition=was,
        ).update(disposition=now, ended_at=timezone.now())
        if not changed:
            return 0
        is_executed = now is Disposition.EXECUTED
        sink.record(
            project_id,
            Act.APPROVAL_ENDED,
            actor="clock",
            target=("approval", str(approval_id)),
            outcome=acts.Outcome.SUCCESS if is_executed else acts.Outcome.ERROR,
            run_id=run_id,
            facts={"disposition": now.value, "was": was},
        )
    return 1
