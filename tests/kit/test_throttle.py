"""How often a caller may ask."""

import pytest

from awooop.errors import Exhausted
from awooop.kit import redis, throttle


class TestSpend:
    def test_refuses_beyond_the_limit_and_says_how_long_to_wait(self, clean):
        for _ in range(5):
            throttle.spend("t", "ann", limit=5)
        with pytest.raises(Exhausted) as refusal:
            throttle.spend("t", "ann", limit=5)

        assert 0 < refusal.value.facts["retry_after"] <= throttle.WINDOW_SECONDS

    def test_counts_each_caller_alone(self, clean):
        throttle.spend("t", "ann", limit=1)
        throttle.spend("t", "bob", limit=1)

    def test_sums_over_processes_through_valkey(self, clean):
        for _ in range(16):
            throttle.spend("t", "ann", limit=16)
        throttle.forget()  # as another process, which has counted nothing yet
        with pytest.raises(Exhausted):
            throttle.spend("t", "ann", limit=16)

    def test_still_counts_here_while_valkey_is_away(self, clean, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        redis.forget_client()
        try:
            with pytest.raises(Exhausted):
                for _ in range(4):
                    throttle.spend("t", "ann", limit=3)
        finally:
            redis.forget_client()
