"""Whoever comes with raw SQL: money moves by new entries of the ledger and in no other way."""

import pytest
from django.db import DatabaseError, connections

from awooop.kit import ids
from awooop.kit.db import operator_tx, tenant_tx, worker_tx
from awooop.ledger.models import Level, Period

NO_PRIVILEGE, CHECK, FOREIGN = "42501", "23514", "23503"

ENTRY = """
INSERT INTO awooop_budget_ledger
       (entry_id, project_id, kind, reservation_id, agent_id, usd, tokens, purpose, actor{columns})
VALUES (%(new)s, {project}, '{kind}', {reservation}, '{agent}', {usd}, {tokens}, 'x', 'me'{values})
"""
USUAL = {
    "project": "%(project)s", "kind": "reserve", "reservation": "%(new)s", "agent": "sre",
    "usd": 1, "tokens": 0, "columns": "", "values": "",
}  # fmt: skip
ACCOUNT = """
INSERT INTO awooop_budget_account
       (project_id, level, period, starts_on, key, reserved_usd, spent_usd, reserved_tokens,
        spent_tokens, calls)
VALUES (%(project)s, 'project', 'day', '2001-01-01', '', 0, 0, 0, 0, 0)
"""
BUDGET = """
INSERT INTO awooop_budget (project_id, scope, agent_id, period, limit_usd, limit_tokens, changed_by,
                           changed_at)
VALUES ({project}, '{scope}', '{agent}', '{period}', {usd}, NULL, 'me', clock_timestamp())
"""
LIMIT = {"project": "%(project)s", "scope": "agent", "agent": "a", "period": "day", "usd": 1}
TABLES = ("budget_ledger", "budget_account", "budget_hold", "budget_alert")


def entered(**changes):
    return ENTRY.format(**USUAL | changes)


def limited(**changes):
    return BUDGET.format(**LIMIT | changes)


VIOLATIONS = {
    # the ledger
    "an entry rewritten": ("UPDATE awooop_budget_ledger SET usd = 0", NO_PRIVILEGE),
    "an entry deleted": ("DELETE FROM awooop_budget_ledger", NO_PRIVILEGE),
    "an entry given to a neighbour": (
        "UPDATE awooop_budget_ledger SET project_id = %(other)s", NO_PRIVILEGE),
    "an entry for a neighbour": (entered(project="%(other)s"), NO_PRIVILEGE),
    "an entry for nobody": (entered(project="NULL"), NO_PRIVILEGE),
    "an entry of no kind": (entered(kind="gift"), CHECK),
    "a refusal by hand": (entered(kind="refused"), CHECK),
    "an entry for no agent": (entered(agent=""), CHECK),
    **{f"{usd} USD": (entered(usd=usd), CHECK) for usd in ("-1", "'NaN'", "1000000.1", "NULL")},
    **{f"{n} tokens": (entered(tokens=n), CHECK) for n in ("-1", "1000000000001", "NULL")},
    "a settlement of less than nothing": (
        entered(kind="settle", reservation="%(held)s", usd=-1), CHECK),
    # the counters
    "money spent less": ("UPDATE awooop_budget_account SET spent_usd = 0", CHECK),
    "money reserved less": ("UPDATE awooop_budget_account SET reserved_usd = 0", CHECK),
    "calls never made": ("UPDATE awooop_budget_account SET calls = 0", CHECK),
    "a counter of one's own": (ACCOUNT, CHECK),
    "a counter deleted": ("DELETE FROM awooop_budget_account", NO_PRIVILEGE),
    **{f"a counter's {column}": (
        f"UPDATE awooop_budget_account SET {column} = {column}", NO_PRIVILEGE)
       for column in ("project_id", "level", "period", "starts_on", "key")},
    # the holds
    "a hold dropped": ("DELETE FROM awooop_budget_hold", CHECK),
    "a hold prolonged": ("UPDATE awooop_budget_hold SET expires_at = 'infinity'", NO_PRIVILEGE),
    "a hold made smaller": ("UPDATE awooop_budget_hold SET usd = 0", NO_PRIVILEGE),
    "a hold out of nothing": (
        "INSERT INTO awooop_budget_hold SELECT project_id, %(new)s, run_id, agent_id, usd, tokens, "
        "expires_at FROM awooop_budget_hold", CHECK),
    # the alerts
    "an alert forged": (
        "INSERT INTO awooop_budget_alert SELECT project_id, level, key, period, starts_on, 80, at "
        "FROM awooop_budget_alert", CHECK),
    "an alert silenced": ("DELETE FROM awooop_budget_alert", NO_PRIVILEGE),
    # the limits
    "a limit for a neighbour": (limited(project="%(other)s"), NO_PRIVILEGE),
    "a limit moved": ("UPDATE awooop_budget SET project_id = %(other)s", NO_PRIVILEGE),
    "a limit below nothing": (limited(usd=-1), CHECK),
    "a limit that is no number": (limited(usd="'NaN'"), CHECK),
    "a limit on nothing": (limited(usd="NULL"), CHECK),
    "a limit on a galaxy": (limited(scope="galaxy"), CHECK),
    "a run's limit by the day": (limited(scope="run"), CHECK),
    "a project's limit for one agent": (limited(scope="project"), CHECK),
    "a project in no zone": ("UPDATE awooop_projects SET time_zone = 'Mars/Base'", "22023"),
    "a project in a zone of its own": ("UPDATE awooop_projects SET time_zone = 'X+5'", CHECK),
    **{f"a truncate of {t}": (f"TRUNCATE awooop_{t} CASCADE", NO_PRIVILEGE) for t in TABLES},
}  # fmt: skip


def execute(sql, params=None):
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


@pytest.fixture
def facts(new_purse):
    """Two projects; in the first a limit, half of it spent, and something held."""
    new_purse("globex").reserve()
    purse = new_purse("acme")
    purse.limit(Level.PROJECT, Period.DAY, "10")
    purse.spend("5")
    held = purse.reserve()
    return {
        "project": "acme", "other": "globex", "new": ids.new_id(), "held": held.reservation_id,
    }  # fmt: skip


class TestApplicationRole:
    @pytest.mark.parametrize("deed", VIOLATIONS)
    def test_is_refused(self, facts, deed):
        sql, sqlstate = VIOLATIONS[deed]
        with pytest.raises(DatabaseError) as refusal, tenant_tx("acme"):
            execute(sql, facts)

        assert refusal.value.__cause__.sqlstate == sqlstate, refusal.value

    def test_cannot_name_the_day_the_money_counts_for(self, facts):
        told = entered(columns=", day, month, at", values=", '2001-01-01', '2001-01-01', 'epoch'")
        with tenant_tx("acme"):
            execute(told, facts)
            assert execute("SELECT FROM awooop_budget_ledger WHERE day < '2020-01-01'") == 0
            assert execute("SELECT FROM awooop_budget_ledger WHERE at < '2020-01-01'") == 0

    def test_settles_in_the_name_of_whoever_reserved(self, facts):
        with tenant_tx("acme"):
            execute(entered(kind="settle", reservation="%(held)s", agent="other"), facts)
            assert execute("SELECT FROM awooop_budget_ledger WHERE agent_id = 'other'") == 0

    def test_writes_nothing_for_a_neighbours_reservation(self, facts):
        with tenant_tx("globex"):
            assert execute(entered(kind="release", reservation="%(held)s"), {
                **facts, "project": "globex"}) == 0  # fmt: skip
            assert execute("DELETE FROM awooop_budget_hold WHERE project_id = 'acme'") == 0

    @pytest.mark.parametrize("sql", [entered(), limited(), "DELETE FROM awooop_budget_hold"])
    def test_as_operator_changes_nothing(self, facts, sql):
        with pytest.raises(DatabaseError) as refusal, operator_tx("*"):
            execute(sql, facts)

        assert refusal.value.__cause__.sqlstate == NO_PRIVILEGE

    @pytest.mark.parametrize(
        "sql",
        [
            entered(),
            entered(kind="release", reservation="%(held)s"),
            "DELETE FROM awooop_budget_hold",
            "UPDATE awooop_budget_account SET spent_usd = 0",
            limited(),
            "SELECT FROM awooop_budget_alert",
        ],
    )
    def test_as_worker_only_reads(self, facts, sql):
        with pytest.raises(DatabaseError) as refusal, worker_tx():
            execute(sql, facts)

        assert refusal.value.__cause__.sqlstate == NO_PRIVILEGE


class TestOwner:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE awooop_budget_ledger SET usd = 0",
            "DELETE FROM awooop_budget_ledger",
            "TRUNCATE awooop_budget_ledger",
        ],
    )
    def test_too_is_stopped_by_the_ledgers_guard(self, facts, sql):
        with (
            pytest.raises(DatabaseError, match="only new entries"),
            connections["owner"].cursor() as cursor,
        ):
            cursor.execute(sql)


class TestRoles:
    def test_give_the_application_no_temporary_table_to_hang_a_trigger_on(self, clean):
        asked = "SELECT has_database_privilege('awooop_app', 'awooop', 'TEMPORARY')"
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = 'awooop'")
            if cursor.rowcount == 0:
                pytest.skip("this server was not made by deploy/roles.sql")
            cursor.execute(asked)
            assert cursor.fetchone() == (False,)
