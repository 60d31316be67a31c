"""Trying once more: after errors that pass by themselves, and only where nothing was sent twice."""

import re
from datetime import datetime, timedelta

from django.utils import timezone

from approvals import tokens
from approvals.models import Approval
from approvals.operations.models import Operation, Ticket
from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code
from awooop.kit.db import in_tx, tenant_tx
from gateway import effects
from gateway.models import Status
from gateway.shapes import Result

MOST = 3
_SILENT = "the tool says that it failed, and not why"
_PASSING = frozenset({Code.UPSTREAM_AWAY, Code.UPSTREAM_LATE, Code.UPSTREAM_BUSY})
_TRANSIENT = re.compile(
    r"connection refused|connection reset|timeout|timed out|i/o error|io error|temporary failure"
    r"|service unavailable|too many requests|dial tcp|\beof\b"
)
_PERMANENT = re.compile(
    r"not found|forbidden|permission denied|unauthorized|already exists|invalid|immutable"
    r"|destructive|blocked"
)


def is_transient(said: str, code: Code | None = None) -> bool:
    """Tell whether an error may pass by itself; one word of a lasting cause wins."""
    text = said.lower()
    if _PERMANENT.search(text):
        return False
    return code in _PASSING or bool(_TRANSIENT.search(text))


def said(result: Result) -> str:
    """Return what an error says: the gateway's reason, or the tool's own words; never nothing."""
    if result.code is not None:
        return result.reason or result.code.title
    text = "\n".join(str(block.get("text", "")) for block in result.content)
    return text if text.strip() else _SILENT


def key(operation: Operation, number: int) -> str:
    """Return the executor's name for an effect; another one only after one that never left."""
    whose = f"approval:{operation.approval_id}"
    if operation.approval_id is None:
        whose = f"operation:{operation.operation_id}"
    return whose if number == 1 else f"{whose}:{number}"


def full_key(operation: Operation, number: int) -> str:
    """Return the same name as the gateway knows it, where the run is part of it."""
    return f"run:{operation.run_id}:{key(operation, number)}"


def is_due_again(operation: Operation, number: int, result: Result) -> bool:
    """Tell whether another attempt may help and can repeat nothing.

    A call that only reads has no effect; one that writes is made again only when the effect of
    this attempt never left. Opens its own transaction.
    """
    if result.status is not Status.ERROR or operation.attempts >= MOST:
        return False
    if not is_transient(said(result), result.code):
        return False
    with tenant_tx(operation.project_id):
        return effects.never_left(operation.project_id, full_key(operation, number))


def too_fast(approval: Approval | None, result: Result, *, at: datetime) -> float | None:
    """Return how many seconds a call that came too fast has to wait; None when it has ended.

    A yes lasts as long as the request did; what nobody was asked about, as long as its run.
    """
    wait = result.retry_after
    if result.code is not Code.GATE_RATE or wait is None:
        return None
    if approval is not None and at + timedelta(seconds=wait) >= approval.expires_at:
        return None
    return wait


@in_tx
def number_of(operation: Operation, approval: Approval | None) -> tuple[int, str | None]:
    """Return the number of the attempt's effect, and the id of its ticket if it needs one.

    A further ticket is written when the last one was burned by an effect that never left; the
    database judges that too.
    """
    project_id = operation.project_id
    last, ticket_id = 1, approval.ticket_id if approval else None
    if approval is not None:
        further = (
            Ticket.objects.filter(project_id=project_id, approval_id=approval.approval_id)
            .order_by("-number")
            .first()
        )
        if further is not None:
            last, ticket_id = further.number, further.ticket_id
    while last < MOST and _is_spent(operation, last):
        last += 1
        if approval is not None:
            ticket_id = _reissue(approval, last)
    return last, ticket_id


def _is_spent(operation: Operation, number: int) -> bool:
    """Tell whether the effect of this number was claimed and never left."""
    name = full_key(operation, number)
    return effects.was_claimed(operation.project_id, name) and effects.never_left(
        operation.project_id, name
    )


def _reissue(approval: Approval, number: int) -> str:
    made = Ticket.objects.create(
        project_id=approval.project_id,
        approval_id=approval.approval_id,
        number=number,
        ticket_id=tokens.new_id(),
        issued_at=timezone.now(),
    )
    sink.record(
        approval.project_id,
        Act.APPROVAL_REISSUED,
        actor="worker",
        target=("approval", str(approval.approval_id)),
        run_id=approval.run_id,
        facts={"ticket_id": made.ticket_id, "number": number},
    )
    return made.ticket_id
