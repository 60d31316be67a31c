"""How money is spelled and drawn."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from awooop.console.budgets import chart, figures
from awooop.ledger.models import Level, Period

DAYS = [{"day": date(2026, 1, 1) + timedelta(days=n), "spent_usd": Decimal(0)} for n in range(31)]


def row(**changes):
    zeros = {"spent_usd": Decimal(0), "reserved_usd": Decimal(0), "limit_usd": None, "calls": 0,
             "spent_tokens": 0, "reserved_tokens": 0, "limit_tokens": None}  # fmt: skip
    return {**zeros, **changes}


def spent(*amounts):
    return [
        {**day, "spent_usd": Decimal(amount)} for day, amount in zip(DAYS, amounts, strict=False)
    ]


class TestUsd:
    @pytest.mark.parametrize(
        ("amount", "text"),
        [(None, "–"), ("0E-10", "0.00"), ("0.0000000001", "< 0.0001"), ("0.0031", "0.0031"),
         ("1.5", "1.50"), ("1.2345", "1.2345"), ("12.3456", "12.35"), ("1234567", "1,234,567.00")],
    )  # fmt: skip
    def test_is_told_to_the_cent_or_finer_where_small(self, amount, text):
        assert figures.usd(amount and Decimal(amount)) == text

    @pytest.mark.parametrize(
        ("amount", "exact", "plain"),
        [("0E-10", "0.00", "0"), ("1.5000000000", "1.50", "1.5"), ("1E+3", "1,000.00", "1000"),
         ("0.0000000001", "0.0000000001", "0.0000000001"), ("100", "100.00", "100")],
    )  # fmt: skip
    def test_is_told_exactly_without_exponents(self, amount, exact, plain):
        assert (figures.exactly(Decimal(amount)), figures.plain(Decimal(amount))) == (exact, plain)


class TestShare:
    def test_is_that_of_the_scarcer_limit(self):
        assert figures.share(row(limit_usd=Decimal(10), spent_usd=Decimal(1))) == 10
        both = row(limit_usd=Decimal(10), spent_usd=Decimal(1), limit_tokens=4, spent_tokens=3)
        assert figures.share(both) == 75

    def test_of_a_limit_of_nothing_is_all_of_it(self):
        assert figures.share(row(limit_usd=Decimal(0))) == 100

    def test_is_unknown_without_a_limit(self):
        assert figures.share(row()) is None

    @pytest.mark.parametrize(
        ("part", "tone"),
        [("49.99", "good"), ("50", "info"), ("80", "warn"), ("95", "bad"), ("120", "bad")],
    )
    def test_alarms_at_the_thresholds_that_are_notified(self, part, tone):
        assert figures.badge(Decimal(part)).tone == tone


class TestGauge:
    def test_never_leaves_its_bar(self):
        over = row(limit_usd=Decimal(1), spent_usd=Decimal(3), reserved_usd=Decimal(2))
        gauge = figures.standing(over).gauge
        assert (gauge.spent, gauge.reserved) == ("100.00", "0.00")
        assert figures.standing(over).usd.left == "0.00"


class TestPlace:
    def test_says_each_or_whose(self):
        assert figures.place(Level.PROJECT, Period.DAY) == "Project, per day"
        assert figures.place(Level.AGENT, Period.MONTH) == "Each agent, per month"
        assert figures.place(Level.AGENT, Period.MONTH, "x") == "Agent x, per month"
        assert figures.place(Level.RUN, Period.TOTAL, "x") == "Each run of x, in total"


class TestChart:
    def test_is_left_out_when_nothing_was_spent(self):
        assert chart.of(DAYS, None) is None
        assert chart.of([], None) is None

    def test_scales_to_a_round_number_above_the_highest_day(self):
        drawn = chart.of(spent("3", "0", "6"), None)
        assert (drawn.top, drawn.middle) == ("10.00", "5.00")
        assert [bar.height for bar in drawn.bars] == ["30.00", "0.00", "60.00"]
        assert (drawn.total, drawn.most, drawn.most_on) == ("9.00", "6.00", "2026-01-03")

    @pytest.mark.parametrize(
        ("limit", "shown"), [("4", True), ("6", True), ("18", True), ("19", False)]
    )
    def test_shows_the_limit_unless_it_would_flatten_the_days(self, limit, shown):
        drawn = chart.of(spent("6"), Decimal(limit))
        assert bool(drawn.limit_y) is shown
        assert not shown or 0 <= float(drawn.limit_y) <= 100

    def test_keeps_a_little_to_be_seen(self):
        drawn = chart.of(spent("1000", "0.0000000001"), None)
        assert float(drawn.bars[1].height) == 1

    def test_names_the_first_and_the_last_day(self):
        drawn = chart.of(spent(*["1"] * 31), None)
        assert (drawn.days[0], drawn.days[-1], len(drawn.days)) == ("01-01", "01-31", 5)
