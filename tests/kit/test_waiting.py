"""What an event loop does itself, and what it leaves to threads."""

from collections.abc import Callable

import pytest

from awooop.kit import db, redis, throttle, waiting


def _pipe() -> None:
    with db.pipe():
        pass


def _transaction() -> None:
    with db.tenant_tx("shop"):
        pass


WAITS: dict[str, Callable[[], object]] = {
    "a pipe": _pipe,
    "a transaction": _transaction,
    "Valkey": lambda: redis.ask(lambda server: server.ping()),
}


class TestWithout:
    def test_returns_what_needs_no_waiting(self) -> None:
        assert waiting.without(lambda: 1 + 1) == 2

    @pytest.mark.parametrize("work", WAITS.values(), ids=WAITS)
    def test_ends_what_would_wait_before_it_does(
        self, clean: None, work: Callable[[], object]
    ) -> None:
        with pytest.raises(waiting.WouldWait):
            waiting.without(work)
        work()

    def test_no_handler_of_errors_keeps_it(self) -> None:
        def work() -> None:
            try:
                waiting.ahead()
            except Exception:
                pytest.fail("it was taken for an error")

        with pytest.raises(waiting.WouldWait):
            waiting.without(work)

    def test_counts_a_request_once_though_it_begins_anew(self, clean: None) -> None:
        def work() -> None:
            throttle.spend("door", "key", limit=16)

        with pytest.raises(waiting.WouldWait):
            waiting.without(work)
        work()
        assert redis.ask(lambda server: [server.get(key) for key in server.keys("*")]) == ["1"]
