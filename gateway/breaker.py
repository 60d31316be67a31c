"""A circuit breaker: a server that keeps failing is left alone for a while."""

from awooop.errors import Code
from gateway.providers.base import Failed

FAILURES = 5  # in a row, before the first rest
FIRST_REST, LONGEST_REST = 5.0, 60.0

COUNTED = frozenset(
    {Code.UPSTREAM_AWAY, Code.UPSTREAM_LATE, Code.UPSTREAM_BROKEN, Code.UPSTREAM_TOO_LARGE}
)


class Breaker:
    """Counts what fails; after a rest, one call tries whether the server is back."""

    def __init__(self) -> None:
        self._failures = 0
        self._rest = FIRST_REST
        self._until = 0.0
        self._is_trying = False

    @property
    def has_tripped(self) -> bool:
        """Whether calls are not simply let through."""
        return self._failures >= FAILURES

    def admit(self, now: float) -> None:
        """Let a call through.

        :raises Failed: the server rests.
        """
        if not self.has_tripped:
            return
        if now < self._until or self._is_trying:
            raise Failed(Code.UPSTREAM_BUSY, "it failed repeatedly and rests", sent=False)
        self._is_trying = True

    def ended(self, code: Code | None, now: float) -> None:
        """Record how an admitted call ended: with an answer (None), or not."""
        was_trying, self._is_trying = self._is_trying, False
        if code is None:
            self._failures, self._rest = 0, FIRST_REST
        elif code in COUNTED:
            self._failures += 1
            if self._failures == FAILURES or was_trying:
                self._until = now + self._rest
                self._rest = min(self._rest * 2, LONGEST_REST)
