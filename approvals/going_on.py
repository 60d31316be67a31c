"""What follows a yes: the captured call, once, under the rules of the moment it is made."""

from datetime import datetime

import psycopg
import structlog
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from approvals import tokens
from approvals.models import Approval, Disposition
from approvals.operations import attempts, metrics, oplog, rollbacks
from approvals.operations.models import Operation, Outcome
from awooop.audit import acts, sink
from awooop.audit.acts import Act
from awooop.errors import Code, Unavailable
from awooop.kit import canonical
from awooop.kit.db import in_tx, tenant_tx
from gateway import effects
from gateway.models import Outcome as Effected
from gateway.shapes import Result
from runs import parking, renewal, tools
from runs.executors import Parked
from runs.fsm import State
from runs.leases import Ending, Lease

log = structlog.get_logger(__name__)

_DISPOSITIONS = {
    Outcome.EXECUTED: Disposition.EXECUTED,
    Outcome.ERROR: Disposition.FAILED,
    Outcome.UNKNOWN: Disposition.UNKNOWN,
    Outcome.DENIED: Disposition.DENIED,
}
_REPEATED = frozenset({Code.EFFECT_DONE, Code.EFFECT_OPEN})
_EFFECTED = {Effected.EXECUTED: Outcome.EXECUTED, Effected.ERROR: Outcome.ERROR}


def execute(lease: Lease) -> Ending | Parked | None:
    """Make the call that was approved for a run, or needs no approval, if it was not made.

    The gates judge it anew: a switch, a new contract or a changed tool since the yes refuses it.
    What failed before it left is tried again, a few times; what came too fast, for as long as the
    approval lasts.

    While nothing can be recorded nothing is called, and the yes is not lost: the lease runs out and
    the run is taken up again. The effect says what was sent before the database was lost.

    :raises Conflict: the lease was lost.
    """
    if lease.is_shadow and lease.epoch == 1:  # nobody can have said yes: it never waited
        return None
    try:
        due = oplog.begin(lease, timezone.now())
        if due is None:
            return None
        with renewal.kept(lease):
            return _gone_on(lease, *due)
    except (Unavailable, psycopg.OperationalError, OperationalError) as reason:
        why = type(reason).__name__
        log.warning("approved_call_put_off", run_id=str(lease.run_id), reason=why)
        return Parked()


def _gone_on(lease: Lease, operation: Operation, approval: Approval | None) -> Ending | Parked:
    if operation.attempts == 0:
        rollbacks.remember(operation)
    while True:
        number, result = _attempt(lease, operation, approval)
        if result.asked is not None:
            with tenant_tx(lease.project_id):
                oplog.tie(operation, result.asked.approval_id)
            return Parked()
        if (wait := attempts.too_fast(approval, result, at=timezone.now())) is not None:
            operation.attempts -= 1  # nothing was tried: only counted
            _rest(lease, operation, result, wait, counts=approval is None)
            return Parked()
        if not attempts.is_due_again(operation, number, result):
            return _ended(lease, operation, approval, result)
        metrics.RETRIED.inc()
        if settings.OPERATION_RETRY_SECONDS > 0:
            _rest(lease, operation, result, settings.OPERATION_RETRY_SECONDS)
            return Parked()


def give_up(operation: Operation, why: str, *, at: datetime) -> None:
    """Close an operation that nobody works on any more: its effect says whether it was made.

    Opens its own transaction. While its call is in flight, nothing is said yet.
    """
    with tenant_tx(operation.project_id):
        effected = _effected(operation)
        if effected is Effected.CLAIMED:
            return
        outcome = _EFFECTED.get(effected, Outcome.UNKNOWN) if effected else Outcome.DENIED
        approval = None
        if operation.approval_id is not None:
            approval = Approval.objects.filter(
                project_id=operation.project_id, approval_id=operation.approval_id
            ).first()
        if approval is not None and approval.disposition == Disposition.WAITING:
            _close_approval(approval, outcome, None, at)
        oplog.close(operation, outcome=outcome, error=why, actor="clock", at=at)


@in_tx
def _effected(operation: Operation) -> Effected | None:
    """Return what became of an operation's effect; None when nothing was ever sent."""
    keys = [attempts.full_key(operation, number) for number in range(1, attempts.MOST + 1)]
    return effects.outcome_of(operation.project_id, keys)


def _attempt(lease: Lease, operation: Operation, approval: Approval | None) -> tuple[int, Result]:
    with tenant_tx(lease.project_id):
        number, ticket_id = attempts.number_of(operation, approval)
        operation.attempts += 1
        operation.save(update_fields=["attempts"])
    ticket = None
    if approval is not None:
        ticket = tokens.issue(approval, at=timezone.now(), ticket_id=ticket_id)
    result = tools.call(
        lease,
        operation.tool_name,
        canonical.revived(operation.arguments),
        key=attempts.key(operation, number),
        environment=operation.environment,
        ticket=ticket,
    )
    return number, result


def _rest(
    lease: Lease, operation: Operation, result: Result, seconds: float, *, counts: bool = True
) -> None:
    """Put the run aside until the next attempt; no worker waits with it.

    :param counts: whether the wait is part of the run's own time.
    """
    reason = f"another attempt in {seconds:g} s: {attempts.said(result)}"
    with tenant_tx(lease.project_id):
        parking.rest(
            lease.project_id,
            lease.run_id,
            epoch=lease.epoch,
            reason=reason,
            actor=f"worker:{lease.worker}",
            longer=0 if counts else seconds + oplog.WATCH_SECONDS,  # until somebody looks
        )
        oplog.rest(operation, seconds=seconds, why=attempts.said(result), at=timezone.now())


def _ended(lease: Lease, operation: Operation, approval: Approval | None, result: Result) -> Ending:
    """Write what became of the action, for those who wait and those who look later."""
    outcome, at = oplog.OUTCOMES[result.status], timezone.now()
    with tenant_tx(lease.project_id):
        if result.code in _REPEATED and (sent := _effected(operation)) is not None:
            outcome = _EFFECTED.get(sent, Outcome.UNKNOWN)  # an earlier worker sent it
        if approval is not None:
            _close_approval(approval, outcome, result, at)
        oplog.close(
            operation,
            outcome=outcome,
            error="" if outcome is Outcome.EXECUTED else attempts.said(result),
            stderr=oplog.stderr_of(result),
            code=result.code,
            actor=f"worker:{lease.worker}",
            at=at,
        )
    if outcome is Outcome.EXECUTED:
        return Ending(lease, State.COMPLETED, reason="the approved call was made")
    return Ending(
        lease,
        State.FAILED,
        reason="the approved call did not succeed",
        error_code=result.code or Code.RUN_EXECUTOR_FAILED,
        error_detail=result.reason or "the tool says that it failed",
    )


@in_tx
def _close_approval(
    approval: Approval, outcome: Outcome, result: Result | None, at: datetime
) -> None:
    disposition = _DISPOSITIONS[outcome]
    Approval.objects.filter(
        project_id=approval.project_id, approval_id=approval.approval_id
    ).update(disposition=disposition, result=oplog.told(result) if result else None, ended_at=at)
    sink.record(
        approval.project_id,
        Act.APPROVAL_ENDED,
        actor="worker",
        target=("approval", str(approval.approval_id)),
        outcome=acts.Outcome.SUCCESS if outcome is Outcome.EXECUTED else acts.Outcome.ERROR,
        code=result.code if result else None,
        run_id=approval.run_id,
        facts={
            "disposition": disposition.value,
            "call_id": result.call_id if result else None,
        },
    )
