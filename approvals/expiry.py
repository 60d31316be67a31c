"""Requests nobody decided in time: expired, which is not rejected, and their runs cancelled."""

from uuid import UUID

import structlog
from django.utils import timezone

from approvals.models import Approval, Disposition, Standing
from awooop.audit import sink
from awooop.audit.acts import Act, Outcome
from awooop.errors import Code, Conflict
from awooop.kit.db import pipe, tenant_tx
from runs import moves
from runs.fsm import State
from runs.models import Run

log = structlog.get_logger(__name__)

_AT_ONCE = 200
_LATE = f"""
SELECT project_id, run_id, approval_id FROM awooop_approval
 WHERE standing = 'pending' AND expires_at <= clock_timestamp()
 ORDER BY expires_at LIMIT {_AT_ONCE}
"""


def expire() -> int:
    """Expire what is late; return how many requests that were."""
    with pipe() as p, p.worker_tx():
        late = p.send(_LATE)
    return sum(_expire(*each) for each in late.fetchall())


def _expire(project_id: str, run_id: UUID, approval_id: UUID) -> int:
    """Expire one request in a transaction of its own; somebody may decide at the same moment.

    The run's row is locked first, as by everybody who decides.
    """
    at = timezone.now()
    with tenant_tx(project_id):
        Run.objects.select_for_update(no_key=True).get(project_id=project_id, run_id=run_id)
        found = (
            Approval.objects.select_for_update(no_key=True)
            .filter(project_id=project_id, approval_id=approval_id, standing=Standing.PENDING)
            .first()
        )
        if found is None:
            return 0
        found.standing, found.disposition = Standing.EXPIRED, Disposition.DENIED
        found.decided_at = found.ended_at = at
        found.save(update_fields=["standing", "disposition", "decided_at", "ended_at"])
        try:
            moves.move(
                run_id,
                State.CANCELLED,
                actor="clock",
                reason="nobody decided in time",
                error_code=Code.APPROVAL_EXPIRED,
                error_detail=f"approval {approval_id} expired",
            )
        except Conflict:
            log.info("expired_run_had_ended", run_id=str(run_id))
        sink.record(
            project_id,
            Act.APPROVAL_EXPIRED,
            actor="clock",
            target=("approval", str(approval_id)),
            outcome=Outcome.REFUSED,
            code=Code.APPROVAL_EXPIRED,
            run_id=run_id,
        )
    return 1
