"""Calling a run off, the same for every door."""

from uuid import UUID

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code
from awooop.kit.db import in_tx
from runs import moves
from runs.fsm import State
from runs.moves import Moved


@in_tx
def cancel(project_id: str, run_id: UUID, *, actor: str, reason: str = "") -> Moved:
    """Cancel a run of the transaction's tenant; a worker that holds it loses its lease.

    :raises NotFound: no such run in this project.
    :raises Conflict: it has ended already.
    """
    moved = moves.move(
        run_id,
        State.CANCELLED,
        actor=actor,
        reason=reason or "cancelled on request",
        error_code=Code.RUN_CANCELLED,
        error_detail=f"by {actor}" + (f": {reason}" if reason else ""),
    )
    sink.record(
        project_id,
        Act.RUN_CANCELLED,
        actor=actor,
        target=("run", str(run_id)),
        run_id=run_id,
        facts={"was": moved.was.value, "reason": reason},
    )
    return moved
