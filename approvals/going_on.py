"""What follows a yes: the captured call, once, under the rules of the moment it is made."""

import structlog
from django.utils import timezone

from approvals import tokens
from approvals.models import Approval, Disposition, Standing
from awooop.audit import sink
from awooop.audit.acts import Act, Outcome
from awooop.errors import Code, Unavailable
from awooop.kit import canonical
from awooop.kit.db import tenant_tx
from gateway.models import Status
from gateway.shapes import Result
from runs import tools
from runs.executors import Parked
from runs.fsm import State
from runs.leases import Ending, Lease

log = structlog.get_logger(__name__)

_DISPOSITIONS = {
    Status.SUCCESS: Disposition.EXECUTED,
    Status.ERROR: Disposition.FAILED,
    Status.UNKNOWN: Disposition.UNKNOWN,
    Status.BLOCKED: Disposition.DENIED,
    Status.SIMULATED: Disposition.DENIED,
}
_REPEATED = frozenset({Code.EFFECT_DONE, Code.EFFECT_OPEN})


def execute(lease: Lease) -> Ending | Parked | None:
    """Make the call that was approved for a run, if there is one that was not made.

    The gates judge it anew: a switch, a new contract or a changed tool since the yes refuses it.

    While nothing can be recorded nothing is called, and the yes is not lost: the lease runs out and
    the run is taken up again.

    :raises Conflict: the lease was lost.
    """
    approval = _due(lease)
    if approval is None:
        return None
    try:
        return _ending(lease, approval)
    except Unavailable as reason:
        log.warning("approved_call_put_off", run_id=str(lease.run_id), code=reason.code.value)
        return Parked()


def _ending(lease: Lease, approval: Approval) -> Ending:
    result = tools.call(
        lease,
        approval.tool_name,
        canonical.revived(approval.arguments),
        key=f"approval:{approval.approval_id}",
        environment=approval.environment,
        ticket=tokens.issue(approval, at=timezone.now()),
    )
    _close(approval, result)
    if result.status is Status.SUCCESS:
        return Ending(lease, State.COMPLETED, reason="the approved call was made")
    return Ending(
        lease,
        State.FAILED,
        reason="the approved call did not succeed",
        error_code=result.code or Code.RUN_EXECUTOR_FAILED,
        error_detail=result.reason or "the tool says that it failed",
    )


def _due(lease: Lease) -> Approval | None:
    with tenant_tx(lease.project_id):
        return (
            Approval.objects.filter(
                project_id=lease.project_id,
                run_id=lease.run_id,
                standing=Standing.APPROVED,
                disposition=Disposition.WAITING,
            )
            .order_by("approval_id")
            .first()
        )


def _close(approval: Approval, result: Result) -> None:
    """Write what became of the approved action, for those who wait and those who look later."""
    disposition = _DISPOSITIONS[result.status]
    if result.code in _REPEATED:  # an earlier attempt sent it; its effect says how that ended
        disposition = Disposition.UNKNOWN
    told = {
        "call_id": str(result.call_id),
        "status": result.status.value,
        "code": result.code.value if result.code else None,
        "reason": result.reason,
        "content": list(result.content),
        "structured": result.structured,
        "is_error": result.is_error,
    }
    with tenant_tx(approval.project_id):
        Approval.objects.filter(
            project_id=approval.project_id, approval_id=approval.approval_id
        ).update(disposition=disposition, result=told, ended_at=timezone.now())
        sink.record(
            approval.project_id,
            Act.APPROVAL_ENDED,
            actor="worker",
            target=("approval", str(approval.approval_id)),
            outcome=Outcome.SUCCESS if result.status is Status.SUCCESS else Outcome.ERROR,
            code=result.code,
            run_id=approval.run_id,
            facts={"disposition": disposition.value, "call_id": result.call_id},
        )
