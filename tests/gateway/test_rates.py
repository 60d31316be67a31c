"""How often a tool is used: counted exactly in Valkey, and in the database while it is away."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections

from awooop.kit import redis, waiting
from gateway import rates
from tests.gateway.governed import Governed

LIMITS = {"agent:sre": 10, "tool:shop/echo": 5}
NOW = 1_000_000_020.0


@pytest.fixture
def no_valkey(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    redis.forget_client()


class TestPortions:
    def test_no_limit_is_passed_by_processes_that_take_calls_in_advance(self, clean: None) -> None:
        limits, granted = {"tool:shop/echo": 1_000}, 0
        for number in range(1_200):
            if number % 150 == 0:
                rates.forget()  # as another process, which begins with nothing
            granted += rates.spend("shop", limits, now=NOW) is None
        assert 850 <= granted <= 1_000

    def test_most_calls_ask_nobody(self, clean: None) -> None:
        limits = {"agent:sre": 6_400, "tool:shop/echo": 6_400}
        assert rates.spend("shop", limits, now=NOW) is None
        for _ in range(150):
            assert waiting.without(lambda: rates.spend("shop", limits, now=NOW)) is None

    def test_threads_that_run_out_together_take_one_portion(self, clean: None) -> None:
        limits = {"tool:shop/echo": 640}
        with ThreadPoolExecutor(12) as threads:
            list(threads.map(lambda _: rates.spend("shop", limits, now=NOW), range(12)))
        taken = redis.ask(lambda server: [server.get(key) for key in server.keys("*rate*")])
        assert taken == ["20"]


class TestSpend:
    def test_lets_a_minute_have_as_many_as_the_lowest_limit(self, shop: Governed) -> None:
        waits = [rates.spend("shop", LIMITS, now=NOW) for _ in range(7)]
        assert waits == [None] * 5 + [60, 60]
        assert rates.spend("shop", LIMITS, now=NOW + 60) is None
        assert rates.spend("other", LIMITS, now=NOW) is None
        assert shop.rows("awooop_gateway_rate") == []

    def test_counts_in_the_database_while_valkey_is_away(
        self, shop: Governed, no_valkey: None
    ) -> None:
        waits = [rates.spend("shop", LIMITS, now=NOW) for _ in range(7)]
        assert waits == [None] * 5 + [60, 60]
        rates.spend("shop", LIMITS, now=NOW + 120)
        rows = shop.rows("awooop_gateway_rate")
        assert {row["calls"] for row in rows} == {1}, "what has passed is forgotten"

    def test_counts_everybody_at_once(self, shop: Governed, no_valkey: None) -> None:
        def spend(_: int) -> int | None:
            try:
                return rates.spend("shop", LIMITS, now=NOW)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as threads:
            waits = list(threads.map(spend, range(20)))
        assert waits.count(None) == 5
        assert settings.REDIS_URL.endswith(":9/0")
