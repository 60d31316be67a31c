"""The eight states of a run and the only moves between them."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a run stands. The last four are endings and never change again."""

    PENDING = "pending", _("pending")
    RUNNING = "running", _("running")
    WAITING_APPROVAL = "waiting_approval", _("waiting for approval")
    WAITING_TOOL = "waiting_tool", _("waiting for a tool")
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    TIMEOUT = "timeout", _("timed out")


_S = State
TERMINAL = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED, _S.TIMEOUT})
_EARLY_ENDINGS = frozenset({_S.FAILED, _S.CANCELLED, _S.TIMEOUT})

MOVES: dict[State, frozenset[State]] = {
    _S.PENDING: frozenset({_S.RUNNING, _S.CANCELLED, _S.TIMEOUT}),
    _S.RUNNING: _EARLY_ENDINGS | {_S.PENDING, _S.WAITING_APPROVAL, _S.WAITING_TOOL, _S.COMPLETED},
    _S.WAITING_APPROVAL: _EARLY_ENDINGS | {_S.RUNNING},
    _S.WAITING_TOOL: _EARLY_ENDINGS | {_S.RUNNING},
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.TIMEOUT: frozenset(),
}


def sources(target: State) -> list[State]:
    """Return the states from which ``target`` can be reached in one move."""
    return [state for state, targets in MOVES.items() if target in targets]


def edges() -> list[str]:
    """Return every legal move as ``was>now``, sorted; the database holds the same list."""
    return sorted(f"{was.value}>{now.value}" for was, nows in MOVES.items() for now in nows)
