"""What is kept of an operation when it is over: bounded in time, and never able to change it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import F
from django.utils import timezone

from approvals.operations import (
    incidents,
    knowledge,
    metrics,
    notices,
    oplog,
    playbooks,
    verification,
)
from approvals.operations.models import (
    AnomalyDisposition,
    Incident,
    Kind,
    Operation,
    Outcome,
    Stage,
)
from awooop.errors import Code, NotFound
from awooop.kit.db import in_tx, tenant_tx

log = structlog.get_logger(__name__)

SECONDS = 30  # for all of it: a handful of statements, and each its share
_STATEMENTS = 20
MOST_TRIES = 5

Part = Callable[[str, UUID, datetime], None]


def learn(project_id: str, operation_id: UUID) -> bool:
    """Learn from an operation: what was decided, its entry, its playbook. Never raises.

    Opens its own transactions, bounded in time. What fails is tried again, a few times; the entry
    is written whatever becomes of the playbook.

    :returns: whether it was learned from.
    """
    if _tried(project_id, operation_id, _note, _learn):
        metrics.LEARNT.labels("learnt").inc()
        return True
    _tried(project_id, operation_id, _note)
    metrics.LEARNT.labels("failed").inc()
    _give_up(project_id, operation_id)
    return False


@in_tx
def link(project_id: str, operation_id: UUID, incident_id: UUID, *, at: datetime) -> bool:
    """Tie an auto-approved operation to the incident that was opened after it; once.

    What was learned of it is written anew with the incident, which resolves if it was verified.

    :returns: whether it was tied now; False for what is tied, was asked of people, or touched
        nothing.
    :raises NotFound: no such operation or incident.
    """
    incident = incidents.require(project_id, incident_id)
    mine = Operation.objects.filter(project_id=project_id, operation_id=operation_id)
    if not mine.exists():
        raise NotFound(Code.OPERATION_UNKNOWN, "no such operation")
    tied = mine.filter(incident_id=None, is_auto_approved=True, kind=Kind.CALL).update(
        incident_id=incident.incident_id, linked_at=at
    )
    if not tied:
        return False
    operation = mine.get()
    if operation.stage == Stage.DONE:
        mine.update(stage=Stage.LEARNING, due_at=at)
    if incidents.settle(operation, at=at):
        notices.queue(operation, notices.RESOLVED, {}, at=at)
    return True


def _tried(project_id: str, operation_id: UUID, *parts: Part) -> bool:
    try:
        with tenant_tx(project_id):
            _bound()
            for part in parts:
                part(project_id, operation_id, timezone.now())
    except Exception as reason:  # noqa: BLE001 - whatever it is, the operation has ended as it has
        log.warning("learning_failed", operation_id=str(operation_id), reason=type(reason).__name__)
        return False
    return True


def _note(project_id: str, operation_id: UUID, at: datetime) -> None:
    """Write what was decided of the anomaly, and the operation's entry."""
    operation, incident = _taken(project_id, operation_id)
    if operation.stage != Stage.LEARNING:
        return
    if operation.is_auto_approved and operation.outcome != Outcome.DENIED:
        oplog.dispose(operation, AnomalyDisposition.What.AUTO_APPROVED, at=at)
    if operation.effectiveness is None and operation.kind == Kind.CALL:
        operation.effectiveness = verification.effectiveness(operation)
        operation.save(update_fields=["effectiveness"])
    knowledge.write(operation, incident, at=at)


def _learn(project_id: str, operation_id: UUID, at: datetime) -> None:
    """Count a playbook's use or extract one, and say that the operation is over."""
    operation, incident = _taken(project_id, operation_id)
    if operation.stage != Stage.LEARNING:
        return
    is_told = operation.linked_at is not None and operation.playbook_id is not None
    if operation.kind == Kind.CALL and operation.outcome != Outcome.DENIED and not is_told:
        playbook = playbooks.learn(operation, incident, at=at)
        operation.playbook_id = playbook.playbook_id if playbook else operation.playbook_id
    operation.stage, operation.due_at = Stage.DONE, None
    operation.save(update_fields=["playbook_id", "stage", "due_at"])


def _taken(project_id: str, operation_id: UUID) -> tuple[Operation, Incident | None]:
    mine = Operation.objects.select_for_update()
    operation = mine.get(project_id=project_id, operation_id=operation_id)
    if operation.incident_id is None:
        return operation, None
    return operation, incidents.require(project_id, operation.incident_id)


def _bound() -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)",
            [f"{SECONDS * 1000 // _STATEMENTS}ms"],
        )


def _give_up(project_id: str, operation_id: UUID) -> None:
    with tenant_tx(project_id):
        mine = Operation.objects.filter(project_id=project_id, operation_id=operation_id)
        mine.update(tries=F("tries") + 1)
        mine.filter(tries__gte=MOST_TRIES, stage=Stage.LEARNING).update(
            stage=Stage.DONE, due_at=None
        )
