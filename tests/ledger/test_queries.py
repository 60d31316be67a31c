"""What people read of the ledger."""

from decimal import Decimal

from django.db import connections

from awooop.kit.db import operator_tx, pipe, tenant_tx
from awooop.ledger import queries
from awooop.ledger.models import Level, Period
from awooop.tenants.models import Project


def report(project_id="acme"):
    with pipe() as p, p.operator_tx({project_id}):
        return queries.report(p, project_id)


def page(**asked):
    with pipe() as p, p.tenant_tx("acme"):
        return queries.page(p, "acme", **asked)


class TestReport:
    def test_shows_the_present_day_and_month_with_their_limits(self, purse):
        purse.live_in("Asia/Taipei")
        with tenant_tx("acme"):
            Project.objects.update(budget_limit_usd=Decimal(50))
        purse.limit(Level.PROJECT, Period.DAY, "5", tokens=100)
        purse.spend("2", 30)
        purse.reserve("1", 10)

        day, month = report().project

        assert (day["period"], month["period"]) == ("day", "month")
        assert (day["limit_usd"], day["limit_tokens"]) == (5, 100)
        assert (month["limit_usd"], month["limit_tokens"]) == (50, None)
        for row in (day, month):
            assert (row["spent_usd"], row["reserved_usd"]) == (2, 1)
            assert (row["spent_tokens"], row["reserved_tokens"], row["calls"]) == (30, 10, 1)
        assert day["today"] == purse.today()
        assert month["starts_on"] == purse.today().replace(day=1)

    def test_shows_nothing_spent_as_nothing(self, purse):
        day, month = report().project
        assert (day["spent_usd"], day["limit_usd"], month["calls"]) == (0, None, 0)

    def test_shows_agents_by_what_they_spent_with_their_own_limits(self, purse):
        purse.limit(Level.AGENT, Period.DAY, "9")
        purse.limit(Level.AGENT, Period.DAY, "7", agent="b")
        for agent, usd in (("a", "1"), ("b", "3"), ("c", "2")):
            purse.spend(usd, agent=agent)

        rows = report().agents

        assert [(r["agent_id"], r["period"]) for r in rows] == [
            (agent, period) for agent in "bca" for period in ("day", "month")
        ]
        assert [r["limit_usd"] for r in rows] == [7, None, 9, None, 9, None]
        assert [r["spent_usd"] for r in rows[::2]] == [3, 2, 1]

    def test_shows_31_days_the_idle_ones_included(self, purse):
        purse.spend("2")

        days = report().days

        assert len(days) == 31
        assert [d["spent_usd"] for d in days] == [0] * 30 + [2]
        assert days[-1]["day"] == purse.today()

    def test_shows_limits_and_the_newest_alerts(self, purse):
        purse.limit(Level.PROJECT, Period.DAY, "1")
        purse.limit(Level.RUN, Period.TOTAL, tokens=5)
        purse.spend("0.9")

        found = report()

        assert [(r["scope"], r["period"]) for r in found.limits] == [
            ("project", "day"), ("run", "total"),
        ]  # fmt: skip
        assert {r["threshold"] for r in found.alerts} == {50, 80}

    def test_shows_an_operator_no_project_beyond_the_scope(self, new_purse):
        new_purse("acme").spend("1")
        with pipe() as p, p.operator_tx({"other"}):
            found = queries.report(p, "acme")

        assert found == queries.Report([], [], [], [], [])

    def test_costs_the_same_statements_whatever_it_finds(self, purse, monkeypatch):
        sent = []
        original = queries.Pipe.send
        monkeypatch.setattr(
            queries.Pipe, "send", lambda p, *args: sent.append(args) or original(p, *args)
        )
        report()
        idle = len(sent)
        for agent in "abcdef":
            purse.limit(Level.AGENT, Period.DAY, "1", agent=agent)
            purse.spend("0.9", agent=agent)
        sent.clear()
        report()

        assert len(sent) == idle

    def test_walks_no_other_months_and_no_runs_accounts(self, purse):
        """A year of agents and runs must not lie in the way of this month."""
        purse.spend("1")
        with operator_tx("*"), connections["default"].cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT m.key FROM awooop_budget_account m WHERE m.project_id = 'acme'"
                " AND m.level = 'agent' AND m.period = 'month' AND m.starts_on = '2026-05-01'"
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "starts_on = " in plan.partition("Index Cond")[2]


class TestPage:
    def test_walks_the_ledger_from_the_newest_without_gap_or_repeat(self, purse):
        for _ in range(5):
            purse.spend("1")
        seen, older = [], None
        for _ in range(10):
            found = page(older_than=older, per_page=3)
            seen += found.entries
            older = found.older
            if older is None:
                break

        identities = [entry["entry_id"] for entry in seen]
        assert len(identities) == len(set(identities)) == 10
        assert [e["kind"] for e in seen] == ["settle", "reserve"] * 5
        assert seen[0]["usd"] == 1

    def test_is_never_longer_than_200(self, purse):
        with tenant_tx("acme"), connections["default"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO awooop_budget_ledger (entry_id, project_id, kind, reservation_id,"
                " agent_id, usd, tokens, purpose, actor) SELECT gen_random_uuid(), 'acme',"
                " 'reserve', gen_random_uuid(), 'a', 0, 0, 'x', 'y' FROM generate_series(1, 201)"
            )
        found = page(per_page=10_000)

        assert len(found.entries) == 200
        assert len(page(older_than=found.older, per_page=10_000).entries) == 1


class TestStandings:
    def test_names_each_project_that_may_be_seen_and_where_more_begin(self, new_purse):
        for name in ("aa", "bb", "cc", "dd"):
            new_purse(name).spend("1")
        with pipe() as p, p.operator_tx({"aa", "cc", "dd"}):
            first, more = queries.standings(p, per_page=2)
            rest, end = queries.standings(p, per_page=2, after=more)
            other, _ = queries.standings(p, project_id="bb")

        assert [(row["project_id"], row["period"]) for pair in first for row in pair] == [
            ("aa", "day"), ("aa", "month"), ("cc", "day"), ("cc", "month"),
        ]  # fmt: skip
        assert [pair[0]["project_id"] for pair in rest] == ["dd"]
        assert (end, other) == (None, [])


class TestLimitPage:
    def test_counts_against_a_limit_of_one_and_not_of_each(self, purse):
        purse.limit(Level.AGENT, Period.DAY, "9")
        purse.limit(Level.AGENT, Period.DAY, "5", agent="a")
        purse.limit(Level.PROJECT, Period.MONTH, "7")
        purse.limit(Level.RUN, Period.TOTAL, "3")
        purse.spend("2", agent="a")
        purse.spend("1", agent="b")
        with pipe() as p, p.operator_tx({"acme"}):
            rows, more = queries.limit_page(p, "acme")

        assert more is None
        assert [(r["scope"], r["agent_id"], r["is_counted"], r["spent_usd"]) for r in rows] == [
            ("agent", "", False, 0), ("agent", "a", True, 2),
            ("project", "", True, 3), ("run", "", False, 0),
        ]  # fmt: skip


class TestLevels:
    def test_tells_an_agents_periods_where_one_is_named(self, purse):
        purse.limit(Level.AGENT, Period.DAY, "5")
        purse.spend("2", agent="a")
        with pipe() as p, p.operator_tx({"acme"}):
            both, own = queries.levels(p, "acme"), queries.levels(p, "acme", "a")

        assert [(row["level"], row["period"]) for row in both] == [
            ("project", "day"), ("project", "month"),
        ]  # fmt: skip
        assert [(r["level"], r["limit_usd"]) for r in own[:2]] == [("agent", 5), ("agent", None)]
