"""How often a tool is used: counted exactly in Valkey, and in the database while it is away."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connections

from awooop.kit import redis
from gateway import rates
from tests.gateway.governed import Governed

LIMITS = {"agent:sre": 10, "tool:shop/echo": 5}
NOW = 1_000_000_020.0


@pytest.fixture
def no_valkey(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    redis.forget_client()


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
