"""Limits: set, changed, cleared, and what cannot be one."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from awooop.errors import Code, Invalid, NotFound
from awooop.kit.db import tenant_tx
from awooop.ledger import limits
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Budget, Kind, Level, Period
from awooop.tenants.models import known_zone

DAILY = Place(scope=Level.PROJECT, period=Period.DAY)


def alone(purse, usd):
    try:
        purse.limit(Level.PROJECT, Period.DAY, usd)
    finally:
        connections.close_all()


def evidence():
    with tenant_tx("acme"), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT facts::text FROM awooop_audit_event WHERE act = 'budget.set' ORDER BY seq"
        )
        return [facts for (facts,) in cursor.fetchall()]


class TestPut:
    def test_returns_what_stood_there_and_notes_who_changed_it(self, purse):
        assert purse.limit(Level.PROJECT, Period.DAY, "5") is None
        assert purse.limit(Level.PROJECT, Period.DAY, tokens=7) == Limit(Decimal(5), None)

        with tenant_tx("acme"):
            row = Budget.objects.get()
        assert (row.limit_usd, row.limit_tokens, row.changed_by) == (None, 7, "test")

    def test_holds_at_once_and_in_both_directions(self, purse):
        purse.limit(Level.PROJECT, Period.DAY, "1")
        assert purse.reserve("2").kind is Kind.REFUSED
        purse.limit(Level.PROJECT, Period.DAY, "3")
        assert purse.reserve("2").kind is Kind.RESERVE
        purse.limit(Level.PROJECT, Period.DAY, "1.5")
        assert purse.reserve("0.1").kind is Kind.REFUSED

    @pytest.mark.parametrize(
        ("place", "limit"),
        [
            (DAILY, Limit()),
            (DAILY, Limit(Decimal(-1))),
            (DAILY, Limit(Decimal("NaN"))),
            (DAILY, Limit(Decimal(10**9) + 1)),
            (DAILY, Limit(0.5)),
            (DAILY, Limit(tokens=-1)),
            (Place(scope=Level.PROJECT, period=Period.TOTAL), Limit(tokens=1)),
            (Place(scope=Level.RUN, period=Period.DAY), Limit(tokens=1)),
            (Place(scope=Level.PROJECT, period=Period.DAY, agent_id="sre"), Limit(tokens=1)),
            (Place(scope=Level.AGENT, period=Period.DAY, agent_id="a" * 101), Limit(tokens=1)),
        ],
    )
    def test_refuses_what_is_no_limit(self, purse, place, limit):
        with pytest.raises(Invalid) as refusal, tenant_tx("acme"):
            limits.put("acme", place, limit, actor="test", at=None)

        assert refusal.value.code is Code.AMOUNT_INVALID


class TestEvidence:
    def test_tells_each_step_of_a_crowd_that_sets_one_limit(self, purse):
        """Whoever comes second must be told what the first one set."""
        amounts = [str(n) for n in range(1, 9)]
        with ThreadPoolExecutor(4) as crowd:
            list(crowd.map(lambda usd: alone(purse, usd), amounts))

        facts = [json.loads(each) for each in evidence()]

        assert facts[0]["was"] is None
        assert [told["was"] for told in facts[1:]] == [told["now"] for told in facts[:-1]]
        assert {Decimal(told["now"]["usd"]) for told in facts} == {Decimal(n) for n in amounts}

    def test_is_not_given_of_what_changed_nothing(self, purse):
        purse.limit(Level.PROJECT, Period.DAY, "5")
        purse.limit(Level.PROJECT, Period.DAY, "5.0")
        with tenant_tx("acme"):
            limits.clear("acme", Place(scope=Level.PROJECT, period=Period.MONTH), actor="test")
        assert len(evidence()) == 1

    def test_needs_a_project(self, clean):
        with pytest.raises(NotFound), tenant_tx("nobody"):
            limits.put("nobody", DAILY, Limit(tokens=1), actor="test", at=None)


class TestClear:
    def test_lets_money_flow_and_says_what_was_there(self, purse):
        purse.limit(Level.PROJECT, Period.DAY, "0")
        assert purse.reserve().kind is Kind.REFUSED
        with tenant_tx("acme"):
            assert limits.clear("acme", DAILY, actor="test") == Limit(Decimal(0), None)
            assert limits.clear("acme", DAILY, actor="test") is None

        assert purse.reserve().kind is Kind.RESERVE


class TestKnownZone:
    @pytest.mark.parametrize("name", ["UTC", "Asia/Taipei", "America/Argentina/Buenos_Aires"])
    def test_accepts_the_names_of_places(self, name):
        known_zone(name)

    @pytest.mark.parametrize("name", ["", "Mars/Base", "X+5", "../etc/passwd", "utc", "/UTC"])
    def test_refuses_the_rest(self, name):
        with pytest.raises(ValidationError):
            known_zone(name)
