"""What a call costs: exact, rounded up, and refused where nobody knows."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awooop.errors import Code, Invalid, Refused
from awooop.ledger import prices
from awooop.ledger.prices import Tokens

AT = datetime(2026, 5, 4, tzinfo=UTC)
COUNTS = st.integers(0, 10**12)


@pytest.fixture
def own(settings):
    def tell(table):
        settings.MODEL_PRICES = table if isinstance(table, str) else json.dumps(table)

    return tell


def cost(model="local/llama", **used):
    provider, _, name = model.partition("/")
    return prices.cost(provider, name, Tokens(**{"input": 0, "output": 0, **used}), at=AT)


class TestCost:
    def test_knows_the_public_table(self):
        used = {"input": 1_000_000, "output": 1_000_000}
        assert cost("openai/gpt-4o", **used) == Decimal("12.5")

    def test_counts_cached_tokens_at_their_own_price(self):
        plain, cached = (
            cost("openai/gpt-4o", input=1_000_000, cache_read=n) for n in (0, 1_000_000)
        )
        assert (plain, cached) == (Decimal("2.5"), Decimal("1.25"))

    def test_counts_them_in_full_where_they_have_none(self, own):
        own({"local/llama": {"input": "2", "output": "4"}})
        assert cost(input=1_000_000, cache_read=1_000_000) == Decimal(2)

    def test_lets_our_own_price_stand_before_the_table(self, own):
        own({"openai/gpt-4o": {"input": "1", "output": "1", "cache_read": "0.1"}})
        assert cost("openai/gpt-4o", input=1_000_000) == Decimal(1)
        assert cost("openai/gpt-4o-mini", input=1_000_000) == Decimal("0.15")

    def test_takes_nothing_for_a_local_model(self, own):
        own({"local/llama": {"input": "0", "output": "0", "cache_write": "0"}})
        assert cost(input=10**9, output=10**9) == 0

    def test_rounds_up_never_down(self, own):
        own({"local/llama": {"input": "0.00001", "output": "0"}})
        assert cost(input=1) == Decimal("1e-10")
        assert cost(input=20) == Decimal("2e-10")

    def test_loses_nothing_of_giant_counts(self, own):
        own({"local/llama": {"input": "0.1234567891", "output": "999999.9999999999"}})
        count = 10**12 - 1
        exact = count * (Decimal("0.1234567891") + Decimal("999999.9999999999")) / 10**6
        assert 0 <= cost(input=count, output=count) - exact < Decimal("1e-10")

    def test_reads_prices_from_a_file(self, own, tmp_path):
        (tmp_path / "prices.json").write_text('{"local/llama": {"input": "3", "output": "0"}}')
        own(str(tmp_path / "prices.json"))
        assert cost(input=1_000_000) == 3

    @pytest.mark.parametrize("model", ["openai/no-such", "nobody/gpt-4o", "/", "openai/whisper-1"])
    def test_refuses_a_model_that_nobody_prices(self, model):
        with pytest.raises(Refused) as refusal:
            cost(model, input=1, output=1)
        assert refusal.value.code is Code.PRICE_UNKNOWN

    @pytest.mark.parametrize(
        ("row", "used"),
        [
            ({"input": "1"}, {"output": 1}),
            ({"output": "1"}, {"input": 1}),
            ({"input": "1", "output": "1"}, {"input": 1, "cache_write": 1}),
            ({}, {}),
        ],
    )
    def test_refuses_a_kind_of_token_without_a_price(self, own, row, used):
        own({"local/llama": row})
        with pytest.raises(Refused) as refusal:
            cost(**used)
        assert refusal.value.code is Code.PRICE_UNKNOWN

    @pytest.mark.parametrize(
        "table",
        [
            "{nonsense", "[]", "/no/such/file", '{"local/llama": 1}',
            *({"local/llama": {"input": value}}
              for value in ("-1", "NaN", "Infinity", "1e99", "", "free", 0.1, None, 1)),
            {"local/llama": {"input": "1", "inputs": "1"}},
        ],
    )  # fmt: skip
    def test_refuses_every_call_while_its_own_table_is_broken(self, own, table):
        own(table)
        with pytest.raises(Refused) as refusal:
            cost("openai/gpt-4o", input=1)
        assert refusal.value.code is Code.PRICE_UNKNOWN
        assert "MODEL_PRICES" in refusal.value.detail

    @pytest.mark.parametrize(
        "used",
        [
            {"input": -1}, {"output": -1}, {"input": 10**12 + 1}, {"input": 1.5},
            {"input": 1, "cache_read": 2}, {"input": 5, "cache_read": 3, "cache_write": 3},
        ],
    )  # fmt: skip
    def test_refuses_counts_that_cannot_be(self, used):
        with pytest.raises(Invalid):
            cost("openai/gpt-4o", **used)


class TestEstimate:
    @given(COUNTS, COUNTS, st.fractions(0, 1), st.fractions(0, 1))
    def test_is_never_below_what_it_comes_to(self, input, output, read, written):
        cached = int(input * read)
        written = int((input - cached) * written)
        for model, used in (
            ("openai/gpt-4o", Tokens(input=input, output=output, cache_read=cached)),
            (
                "anthropic/claude-sonnet-4-5",
                Tokens(input=input, output=output, cache_read=cached, cache_write=written),
            ),
        ):
            name = model.split("/")
            most = prices.estimate(*name, input=input, output=output, at=AT)
            assert prices.cost(*name, used, at=AT) <= most

    def test_expects_a_cache_to_be_written(self):
        most = prices.estimate("anthropic", "claude-sonnet-4-5", input=1000, output=0, at=AT)
        assert most == Decimal("0.00375")
