"""The operation log: a row opened before anything is sent, closed once with what came of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from approvals.models import Approval, Disposition
from approvals.models import Standing as Asked
from approvals.operations import incidents, metrics, notices
from approvals.operations.models import (
    AnomalyDisposition,
    Incident,
    Kind,
    Operation,
    Outcome,
    Stage,
)
from awooop.audit import acts, sink
from awooop.audit.acts import Act
from awooop.errors import Code
from awooop.kit import redaction
from awooop.kit.db import in_tx, tenant_tx
from gateway.models import Status
from gateway.shapes import Result
from runs.leases import Lease

OUTCOMES = {
    Status.SUCCESS: Outcome.EXECUTED,
    Status.ERROR: Outcome.ERROR,
    Status.UNKNOWN: Outcome.UNKNOWN,
    Status.BLOCKED: Outcome.DENIED,
    Status.SIMULATED: Outcome.DENIED,
}
WATCH_SECONDS = 60  # between two looks at an operation whose worker may have been lost
LONGEST_ERROR, LONGEST_STDERR = 2_000, 8_000
_STDERR = "[stderr]\n"


def begin(lease: Lease, at: datetime) -> tuple[Operation, Approval | None] | None:
    """Open the row of what a run has to do, or find the one that an earlier worker opened.

    Opens its own transaction.

    :returns: None when the run has no approved or proposed action that was not made.
    """
    mine = {"project_id": lease.project_id, "run_id": lease.run_id}
    with tenant_tx(lease.project_id):
        approval = (
            Approval.objects.filter(
                **mine, standing=Asked.APPROVED, disposition=Disposition.WAITING
            )
            .order_by("approval_id")
            .first()
        )
        log = Operation.objects.select_for_update().filter(project_id=lease.project_id)
        if approval is None:
            found = log.filter(run_id=lease.run_id, approval_id=None, kind=Kind.CALL).first()
        else:
            found = log.filter(approval_id=approval.approval_id).first() or _of(approval, at)
        if found is None or found.outcome:
            return None
        found.stage = Stage.OPEN
        found.opened_at = found.opened_at or at
        found.due_at = at + timedelta(seconds=WATCH_SECONDS)
        found.save(update_fields=["stage", "opened_at", "due_at"])
    return found, approval


@in_tx
def close(
    operation: Operation,
    *,
    outcome: Outcome,
    error: str,
    stderr: str = "",
    code: Code | None = None,
    actor: str,
    at: datetime,
) -> Operation:
    """Close a row once, with its notice and the evidence; what is to be verified is next.

    :returns: the row as it is now; unchanged when it was closed before.
    """
    found = Operation.objects.select_for_update().get(
        project_id=operation.project_id, operation_id=operation.operation_id
    )
    if found.outcome:
        return found
    found.outcome, found.closed_at = outcome, at
    found.duration_ms = _milliseconds(found.opened_at or at, at)
    found.error_code = code.value if code else None
    found.error = redaction.excerpt(error, LONGEST_ERROR)
    found.stderr = redaction.excerpt(stderr, LONGEST_STDERR)
    found.stage, found.due_at = Stage.LEARNING, at
    if found.verification is not None and outcome is not Outcome.DENIED:
        found.stage = Stage.VERIFYING
        found.verify_by = at + timedelta(seconds=found.verification["window_seconds"])
    found.save(
        update_fields=[
            *("outcome", "closed_at", "duration_ms", "error_code", "error", "stderr", "stage"),
            *("due_at", "verify_by"),
        ]
    )
    told = {
        "outcome": outcome.value,
        "attempts": found.attempts,
        "duration_ms": found.duration_ms,
        "code": found.error_code,
        "error": found.error[:300],
    }
    notices.queue(found, notices.ENDED, told, at=at)
    _record(found, actor, code)
    metrics.ENDED.labels(outcome.value).inc()
    return found


@in_tx
def watch(operation: Operation, *, at: datetime) -> None:
    """Log what touches nothing: executed as soon as it is said, and judged like everything else."""
    operation.kind, operation.outcome = Kind.OBSERVE, Outcome.EXECUTED
    operation.opened_at = operation.closed_at = operation.due_at = at
    operation.duration_ms, operation.stage = 0, Stage.LEARNING
    if operation.verification is not None:
        operation.stage = Stage.VERIFYING
        operation.verify_by = at + timedelta(seconds=operation.verification["window_seconds"])
    operation.save(force_insert=True)
    dispose(operation, AnomalyDisposition.What.NO_ACTION, at=at)
    notices.queue(operation, notices.ENDED, {"outcome": "executed", "attempts": 0}, at=at)
    if incidents.settle(operation, at=at):
        notices.queue(operation, notices.RESOLVED, {}, at=at)
    _record(operation, operation.requested_by, None)
    metrics.ENDED.labels(Outcome.EXECUTED.value).inc()


@in_tx
def dispose(operation: Operation, what: AnomalyDisposition.What, *, at: datetime) -> None:
    """Note what was decided about the operation's anomaly: the first time it is said, it counts."""
    if operation.incident_id is None:
        return
    incident = incidents.require(operation.project_id, operation.incident_id)
    AnomalyDisposition.objects.bulk_create(
        [
            AnomalyDisposition(
                project_id=operation.project_id,
                operation_id=operation.operation_id,
                anomaly_key=incident.anomaly_key,
                what=what,
                at=at,
            )
        ],
        ignore_conflicts=True,
    )


@in_tx
def decided(project_id: str, incident: Incident) -> Mapping[str, int]:
    """Count what was decided about anomalies like an incident's."""
    rows = AnomalyDisposition.objects.filter(
        project_id=project_id, anomaly_key=incident.anomaly_key
    ).values_list("what", flat=True)
    return {what.value: list(rows).count(what.value) for what in AnomalyDisposition.What}


@in_tx
def tie(operation: Operation, approval_id: UUID) -> None:
    """Say that an operation which wanted no human waits for one after all."""
    Approval.objects.filter(project_id=operation.project_id, approval_id=approval_id).update(
        incident_id=operation.incident_id, playbook_id=operation.playbook_id
    )
    Operation.objects.filter(
        project_id=operation.project_id, operation_id=operation.operation_id
    ).update(approval_id=approval_id, stage=Stage.PROPOSED, is_auto_approved=False, due_at=None)


@in_tx
def rest(operation: Operation, *, seconds: float, why: str, at: datetime) -> None:
    """Say when the next attempt is due, and why there is one."""
    operation.stage, operation.due_at = Stage.RESTING, at + timedelta(seconds=seconds)
    operation.error = redaction.excerpt(why, LONGEST_ERROR)
    operation.save(update_fields=["stage", "due_at", "error", "attempts"])


def stderr_of(result: Result) -> str:
    """Return what a failed tool wrote where errors go, or all it said."""
    if not result.is_error or result.code is not None:
        return ""
    text = "\n".join(str(block.get("text", "")) for block in result.content)
    return text.partition(_STDERR)[2] or text


@in_tx
def _of(approval: Approval, at: datetime) -> Operation:
    """Open the row of a call that nobody has put in words: blocked at gate five, or edited.

    What was edited goes on as what it was: for the same incident, and verified the same way.
    """
    before = Operation.objects.filter(
        project_id=approval.project_id, approval_id=approval.edited_from
    ).first()
    incident_id, verification = approval.incident_id, None
    if before is not None and approval.edited_from is not None:
        incident_id, verification = before.incident_id, before.verification
    made = Operation.objects.create(
        project_id=approval.project_id,
        approval_id=approval.approval_id,
        run_id=approval.run_id,
        incident_id=incident_id,
        playbook_id=approval.playbook_id,
        agent_id=approval.agent_id,
        action=f"{approval.tool_name} (edited)" if approval.is_edited else approval.tool_name,
        description=approval.description,
        gateway_id=approval.gateway_id,
        tool_name=approval.tool_name,
        environment=approval.environment,
        arguments=approval.arguments,
        verification=verification,
        risk=approval.risk,
        requested_by=approval.requested_by,
        created_at=at,
    )
    dispose(made, AnomalyDisposition.What.HUMAN_APPROVED, at=at)
    return made


def _record(operation: Operation, actor: str, code: Code | None) -> None:
    ok = operation.outcome == Outcome.EXECUTED
    sink.record(
        operation.project_id,
        Act.OPERATION_ENDED,
        actor=actor,
        target=("operation", str(operation.operation_id)),
        outcome=acts.Outcome.SUCCESS if ok else acts.Outcome.ERROR,
        code=code,
        run_id=operation.run_id,
        facts={
            "kind": operation.kind,
            "outcome": operation.outcome,
            "attempts": operation.attempts,
            "approval_id": operation.approval_id,
            "incident_id": operation.incident_id,
        },
    )


def _milliseconds(since: datetime, at: datetime) -> int:
    return max(0, round((at - since) / timedelta(milliseconds=1)))


def told(result: Result) -> dict[str, Any]:
    """Return a result as an approval keeps it, for those who wait."""
    return {
        "call_id": str(result.call_id),
        "status": result.status.value,
        "code": result.code.value if result.code else None,
        "reason": result.reason,
        "content": list(result.content),
        "structured": result.structured,
        "is_error": result.is_error,
    }
