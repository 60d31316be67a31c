"""A place at a tool's server: its provider, who uses it, and how it has been doing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from awooop.errors import Code
from gateway import providers
from gateway.breaker import Breaker
from gateway.providers.base import Expired, Failed, Permit, Provider, Target

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Leave(Permit):
    """A permit that remembers whether the call went."""

    given: Permit
    went: list[bool] = field(default_factory=list)

    def check(self) -> None:
        self.given.check()
        self.went.append(True)


class Seat:
    """One provider, its places, and how it has been doing."""

    def __init__(self, target: Target, list_changed: Callable[[], None]) -> None:
        self.provider: Provider = providers.make(target, list_changed)
        self.breaker = Breaker()
        self.places = asyncio.Semaphore(target.concurrent)
        self.users = 0
        self.used_at = time.monotonic()

    def is_ready(self, target: Target) -> bool:
        """Tell, from any thread, that a call would only have to be sent."""
        has_room = self.users < target.concurrent and not self.breaker.has_tripped
        return has_room and getattr(self.provider, "is_ready", False)


def failed(reason: BaseException, leave: Leave | None) -> Failed | None:
    """Say what went wrong as the gateway says it; None for what is not ours to say."""
    went = leave is not None and bool(leave.went)
    if isinstance(reason, Expired):
        return reason  # whoever called may ask for another permit
    if isinstance(reason, Failed):
        if went or not reason.sent:
            return reason  # as it is: its kind may tell more
        return Failed(reason.code, reason.detail, sent=False)
    if isinstance(reason, TimeoutError):
        return Failed(Code.UPSTREAM_LATE, sent=went)
    if not isinstance(reason, Exception):
        return None
    log.error("providerfailed", reason=type(reason).__name__, exc_info=reason)
    return Failed(Code.UPSTREAM_BROKEN, "its provider failed", sent=went)
