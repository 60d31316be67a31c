"""Asking humans: the gateway says that somebody must decide, those above it know how.

What stands above registers itself here when the apps are ready; until then nobody can be asked, and
a call that needs a yes is only refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.facts import Facts
from gateway.shapes import Asked, Call

STATUS_TOOL = "awooop_approval_status"  # by which agents ask how far a request has come

Ask = Callable[[Call, Facts, datetime], Asked | None]
Look = Callable[[str, str, UUID], Mapping[str, Any] | None]

_ask: Ask | None = None
_look: Look | None = None


def answer_with(ask: Ask, look: Look) -> None:
    """Register who asks humans, and who knows how far a request has come.

    :param ask: called inside the transaction that records the refusal.
    :param look: given a project, an agent and a request; None when there is none for them.
    """
    global _ask, _look
    _ask, _look = ask, look


def can_be_asked() -> bool:
    """Tell whether there is anybody who asks humans."""
    return _ask is not None


def ask(call: Call, facts: Facts, at: datetime) -> Asked | None:
    """Ask for a human's yes to exactly this call, in the caller's transaction."""
    return _ask(call, facts, at) if _ask is not None else None


def look(project_id: str, agent_id: str, approval_id: UUID) -> Mapping[str, Any] | None:
    """Return how far an agent's request has come. Opens its own transaction."""
    return _look(project_id, agent_id, approval_id) if _look is not None else None
