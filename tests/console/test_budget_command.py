"""`manage.py budget` and `onboard_tenant --budget`, as operators type them."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from awooop.kit.db import tenant_tx
from awooop.ledger.limits import Limit
from awooop.ledger.models import Level, Period
from awooop.tenants.models import Project


def told(*words):
    out = StringIO()
    call_command("budget", *words, stdout=out)
    return out.getvalue()


def project(name="acme"):
    with tenant_tx(name):
        return Project.objects.get()


def evidence(act):
    with tenant_tx("acme"), connections["default"].cursor() as cursor:
        cursor.execute("SELECT facts FROM awooop_audit_event WHERE act = %s", [act])
        return [json.loads(facts) for (facts,) in cursor.fetchall()]


@pytest.fixture
def purse(tenant, money):
    return money("acme")


class TestShow:
    def test_tells_people_and_programs_the_same(self, purse):
        purse.limit(usd="10", tokens=7)
        purse.spend("2")

        text, (row,) = told("acme"), json.loads(told("acme", "--json", "show"))["limits"]

        assert "2.00 USD spent" in text
        assert "Project, per month: 10.00 USD · 7 tokens" in text
        assert (row["limit_usd"], row["counted"]["spent_usd"]) == ("10", "2")

    @pytest.mark.parametrize("name", ["nobody", "N"])
    def test_knows_no_other_project(self, tenant, name):
        with pytest.raises(CommandError, match="E-TENANT-00"):
            told(name)


class TestSet:
    def test_sets_and_clears_with_evidence_of_who_did(self, purse):
        where = ("--scope", "agent", "--period", "day", "--agent", "sre")

        assert "No limit -> 2.50 USD" in told("acme", "set", *where, "--usd", "2.50")
        assert purse.standing(Level.AGENT, Period.DAY, "sre") == Limit(Decimal("2.5"), None)
        assert "2.50 USD -> No limit" in told("acme", "clear", *where)
        assert purse.standing(Level.AGENT, Period.DAY, "sre") is None
        assert [actor.partition(":")[0] for _, actor, _ in purse.evidence()] == ["shell"] * 2

    @pytest.mark.parametrize(
        "words",
        [("set",), ("set", "--usd", "x"), ("set", "--usd", "NaN"), ("set", "--usd=-1"),
         ("set", "--scope", "run", "--usd", "1"), ("clear", "--agent", "sre")],
    )  # fmt: skip
    def test_refuses_what_is_no_limit(self, purse, words):
        with pytest.raises(CommandError):
            told("acme", *words)
        assert purse.evidence() == []


class TestZone:
    def test_is_set_with_evidence(self, tenant):
        assert "Asia/Taipei (before: UTC)" in told("acme", "zone", "Asia/Taipei")
        told("acme", "zone", "Asia/Taipei")
        assert project().time_zone == "Asia/Taipei"
        assert evidence("project.zone_set") == [{"was": "UTC", "now": "Asia/Taipei"}]

    @pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd"])
    def test_is_refused_where_there_is_none_of_that_name(self, tenant, zone):
        with pytest.raises(CommandError, match="E-TENANT-009"):
            told("acme", "zone", zone)
        assert project().time_zone == "UTC"


class TestCeiling:
    def test_holds_over_the_projects_own_limit_until_it_is_taken_away(self, purse):
        purse.limit(usd="100")
        told("acme", "ceiling", "2")
        assert purse.reserve("3").kind == "refused"
        told("acme", "ceiling", "none")
        assert purse.reserve("3").kind == "reserve"
        assert evidence("project.ceiling_set") == [
            {"was": None, "now": "2"}, {"was": "2.000000", "now": None},
        ]  # fmt: skip

    @pytest.mark.parametrize("usd", ["1000000000", "0.0000001", "much"])
    def test_is_refused_when_it_is_no_amount(self, tenant, usd):
        with pytest.raises(CommandError):
            told("acme", "ceiling", usd)
        assert project().budget_limit_usd is None

    def test_is_given_when_a_tenant_is_brought_on(self, clean):
        call_command("onboard_tenant", "acme", "--budget", "12.5", stdout=StringIO())
        assert project().budget_limit_usd == Decimal("12.5")
        assert evidence("project.onboarded")[0]["ceiling_usd"] == "12.5"

    def test_is_refused_before_anything_is_brought_on(self, clean):
        with pytest.raises(CommandError, match="E-BUDGET-006"):
            call_command("onboard_tenant", "acme", "--budget", "1e12", stdout=StringIO())
        with tenant_tx("acme"):
            assert not Project.objects.exists()
