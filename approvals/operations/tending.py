"""What the clock does for operations: wake, look after, verify and learn; each row by itself."""

from uuid import UUID

import structlog
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from approvals import going_on
from approvals.operations import learning, rollbacks, verification
from approvals.operations.models import Operation, Stage
from awooop.errors import Conflict
from awooop.kit.db import pipe, tenant_tx
from runs import fsm, leases, moves
from runs.fsm import State
from runs.models import Run

log = structlog.get_logger(__name__)

_AT_ONCE = 100
_DUE = f"""
SELECT project_id, operation_id FROM awooop_operation
 WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT {_AT_ONCE}
"""
# Whoever takes a row has it for a minute; a process that dies with it gives it back by that.
_TAKE = """
UPDATE awooop_operation SET due_at = clock_timestamp() + interval '60 seconds'
 WHERE project_id = %s AND operation_id = %s AND due_at <= clock_timestamp()
RETURNING operation_id
"""


def tend() -> int:
    """Do what is due of every project's operations; return how many were looked at."""
    with pipe() as p, p.worker_tx():
        found = p.send(_DUE)
    due = found.fetchall()
    for project_id, operation_id in due:
        try:
            if (operation := _taken(project_id, operation_id)) is not None:
                _tend(operation)
        except Exception as reason:  # the loop's own door: one row does not stop the others
            log.exception("operation_untended", operation_id=str(operation_id), reason=str(reason))
    return len(due)


def _taken(project_id: str, operation_id: UUID) -> Operation | None:
    with tenant_tx(project_id):
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(_TAKE, [project_id, operation_id])
            if cursor.fetchone() is None:
                return None
        return Operation.objects.get(project_id=project_id, operation_id=operation_id)


def _tend(operation: Operation) -> None:
    match operation.stage:
        case Stage.RESTING:
            _wake(operation)
        case Stage.PROPOSED | Stage.OPEN:
            _look_after(operation)
        case Stage.VERIFYING:
            verification.look(operation)
        case Stage.LEARNING:
            if rollbacks.is_due(operation):
                rollbacks.propose(operation)
            learning.learn(operation.project_id, operation.operation_id)


def _wake(operation: Operation) -> None:
    """Let a run go on that waited for another attempt."""
    assert operation.run_id is not None
    why = "another attempt is due"
    with tenant_tx(operation.project_id):
        try:
            moves.move(operation.run_id, State.RUNNING, actor="clock", reason=why)
            is_awake = True
        except Conflict:
            log.info("resting_run_had_ended", run_id=str(operation.run_id))
            is_awake = False
        operation.stage = Stage.OPEN
        operation.save(update_fields=["stage"])
    if is_awake:
        leases.requeue(operation.project_id, operation.run_id)  # the sweep takes it up
    else:
        _look_after(operation)


def _look_after(operation: Operation) -> None:
    """Close what nobody works on any more: its run ended without it."""
    assert operation.run_id is not None
    with tenant_tx(operation.project_id):
        run = Run.objects.get(project_id=operation.project_id, run_id=operation.run_id)
    if State(run.state) in fsm.TERMINAL:
        going_on.give_up(operation, f"its run is {run.state}", at=timezone.now())
