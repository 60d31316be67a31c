"""How a tool's standing follows from what was seen, pinned and decided; pure."""

from dataclasses import dataclass

from gateway.models import Standing

PLATFORM, CONTRACT = "platform", "contract"


@dataclass(frozen=True, slots=True)
class Before:
    """How a tool stood.

    :param pin: the definition that was released, or None.
    :param is_held: an operator suspended it: only an operator lets it go again.
    """

    pin: str | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """How a tool stands.

    :param released_by: who released what was seen now; None when nobody did just now.
    """

    standing: Standing
    released_by: str | None = None


def after(before: Before | None, seen: str, *, pinned: str | None, is_built_in: bool) -> After:
    """Return how a tool stands after its server has offered it.

    :param seen: its definition's SHA-256 now.
    :param pinned: the one the signed contract names, if it names one.
    :param is_built_in: the platform itself defines the tool.
    """
    if before is not None and before.is_held:
        return After(Standing.SUSPENDED)
    if before is not None and before.pin == seen:
        return After(Standing.RELEASED)
    if is_built_in or pinned == seen:
        return After(Standing.RELEASED, PLATFORM if is_built_in else CONTRACT)
    never_released = before is None or before.pin is None
    return After(Standing.QUARANTINED if never_released else Standing.SUSPENDED)
