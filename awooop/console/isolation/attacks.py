"""The attack: two tenants, nobody, the operator and the worker try each other's doors.

An attempt held when the database refused it for want of privilege, or when it reached no row. Any
other error means that the row was reached and something else stopped it: that is a breach.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from awooop.console.findings import Finding
from awooop.console.isolation import rows as probes
from awooop.console.isolation.catalogue import Table
from awooop.console.isolation.hand import REFUSED, TOO_SLOW, Hand, Outcome, Stance
from awooop.console.isolation.rows import Rows
from awooop.console.isolation.rules import APP, OPERATOR, WORKER

_NO_COPY = "0A000"  # COPY FROM is not supported with row level security
_BROKEN_KEY = "23503"

_MEND = "raise the walls again (awooop.kit.rls.TenantWalls) and read the structural findings"
_LATER = "ask again when no migration runs; if it stays, the table lacks an index on project_id"
_UNMADE = (
    "give its columns a sample (SAMPLES) or the table a recipe (RECIPES) in "
    "awooop.console.isolation.rows"
)


@dataclass(frozen=True, slots=True)
class Duel:
    """One table, and the rows that two tenants have there."""

    hand: Hand
    table: Table
    mine: Rows
    theirs: Rows

    @property
    def me(self) -> Stance:
        return Stance(APP, self.mine.tenant)

    @property
    def both(self) -> list[str]:
        return [self.mine.tenant, self.theirs.tenant]

    def strangers(self) -> list[tuple[Stance, list[str]]]:
        """Return who must not reach whose rows."""
        them, me = [self.theirs.tenant], self.mine.tenant
        found = [
            (self.me, them),
            (Stance(APP), self.both),
            (Stance(APP, "*"), self.both),
            (Stance(APP, ",".join(self.both)), self.both),
            (Stance(OPERATOR, me), self.both),
            (Stance(OPERATOR, scope=me), them),
            (Stance(OPERATOR, scope=f"{me}%"), self.both),
        ]
        return found if self.table.worker_reads else [*found, (Stance(WORKER, me), self.both)]

    def writers(self) -> list[tuple[Stance, list[str]]]:
        """Return who must not change whose rows."""
        them = [self.theirs.tenant]
        return [
            (self.me, them),
            (Stance(APP), self.both),
            (Stance(OPERATOR, self.mine.tenant, "*"), self.both),
        ]


Tried = Iterator[Finding]


def on(hand: Hand, table: Table, mine: Rows, theirs: Rows) -> Tried:
    """Attack one table in every way, unless somebody holds it locked."""
    if table.oid in mine.busy:
        return
    duel = Duel(hand, table, mine, theirs)
    for attack in ATTACKS:
        yield from attack(duel)


def unmade(table: Table, mine: Rows, theirs: Rows) -> Tried:
    """Tell of a table that could not be attacked for want of a row."""
    reason = mine.failures.get(table.oid) or theirs.failures.get(table.oid)
    if reason and table.touched:
        what = f"it could not be attacked: no row of it ({reason})"
        yield Finding("not-attacked", table.name, what, _UNMADE)


def sees_own(duel: Duel) -> Tried:
    """The walls let each role see what it may: else an attack that finds nothing proves nothing."""
    if duel.table.oid not in duel.mine.rows:
        return
    entitled = [duel.me]
    if duel.table.operator_reads:
        entitled += [Stance(OPERATOR, scope=duel.mine.tenant), Stance(OPERATOR, scope="*")]
    if duel.table.worker_reads:
        entitled.append(Stance(WORKER))
    for stance in entitled:
        outcome = duel.hand.attempt(stance, _count(duel.table), [[duel.mine.tenant]])
        if not outcome.reached:
            what = f"{stance}, its own row is not to be seen ({outcome.told})"
            yield Finding("blind", duel.table.name, what, _MEND)


def select(duel: Duel) -> Tried:
    """SELECT, also with a function that would fail on a row seen before its policy."""
    for stance, tenants in duel.strangers():
        outcome = duel.hand.attempt(stance, _count(duel.table), [tenants])
        yield from _judge(duel, "select", stance, outcome)
    oracle = f"SELECT count(*) FROM {duel.table.sql} WHERE (project_id || ':')::int = 0"
    outcome = duel.hand.attempt(Stance(APP), oracle)
    yield from _judge(duel, "select by error", Stance(APP), outcome)


def insert(duel: Duel) -> Tried:
    """INSERT of a row of another tenant."""
    values = probes.fresh(duel.table, duel.theirs)
    statement = probes.insertion(duel.table, values)
    for stance, _ in duel.writers():
        outcome = duel.hand.attempt(stance, statement, list(values.values()))
        yield from _judge(duel, "insert", stance, outcome, guards=True)


def update(duel: Duel) -> Tried:
    """UPDATE of another tenant's rows, in the first column that may be updated at all."""
    column = next((c.name for c in duel.table.columns.values() if c.updatable), "project_id")
    statement = f'UPDATE {duel.table.sql} SET "{column}" = "{column}" WHERE project_id = ANY (%s)'
    for stance, tenants in duel.writers():
        outcome = duel.hand.attempt(stance, statement, [tenants])
        yield from _judge(duel, "update", stance, outcome)


def delete(duel: Duel) -> Tried:
    """DELETE of another tenant's rows."""
    statement = f"DELETE FROM {duel.table.sql} WHERE project_id = ANY (%s)"
    for stance, tenants in [*duel.writers(), (Stance(WORKER), duel.both)]:
        outcome = duel.hand.attempt(stance, statement, [tenants])
        yield from _judge(duel, "delete", stance, outcome)


def move(duel: Duel) -> Tried:
    """UPDATE of project_id: giving one's row away, or taking another's."""
    statement = f"UPDATE {duel.table.sql} SET project_id = %s WHERE project_id = %s"
    me, them = duel.both
    for stance in (duel.me, Stance(OPERATOR, me, "*"), Stance(WORKER, me)):
        for to, origin in ((them, me), (me, them)):
            outcome = duel.hand.attempt(stance, statement, [to, origin])
            yield from _judge(duel, "move to another tenant", stance, outcome, guards=True)


def copy(duel: Duel) -> Tried:
    """COPY in both directions."""
    for stance, own in ((duel.me, duel.mine.tenant), (Stance(APP), None)):
        outcome = duel.hand.copy_out(stance, duel.table.sql, own)
        yield from _judge(duel, "copy to", stance, outcome)
    values = probes.fresh(duel.table, duel.theirs)
    for stance, _ in duel.writers():
        outcome = duel.hand.copy_in(stance, duel.table.sql, values)
        if outcome.sqlstate != _NO_COPY:
            yield from _judge(duel, "copy from", stance, outcome, guards=True)


def truncate(duel: Duel) -> Tried:
    """TRUNCATE, which no policy binds; tried only where it is sure to be refused."""
    if duel.table.truncatable:
        yield _breach(duel.table, "truncate", duel.me, "it is granted")
        return
    for stance in (duel.me, Stance(OPERATOR, scope="*"), Stance(WORKER)):
        outcome = duel.hand.attempt(stance, f"TRUNCATE {duel.table.sql}")
        if outcome.sqlstate != REFUSED:
            yield _breach(duel.table, "truncate", stance, outcome.told)


def point(duel: Duel) -> Tried:
    """INSERT of a row of one's own that refers to another tenant's."""
    keys = [key for key in duel.table.foreign_keys if key.target in duel.theirs.rows]
    for key in keys:
        parent = duel.theirs.rows[key.target]
        foreign = [c for c in key.columns if c != "project_id"]
        if "project_id" not in parent or not foreign:
            continue
        values = probes.fresh(duel.table, duel.mine)
        refs = dict(zip(key.columns, key.refs, strict=True))
        values |= {column: parent[refs[column]] for column in foreign if refs[column] in parent}
        statement = probes.insertion(duel.table, values)
        if key.deferrable:
            statement = f"SET CONSTRAINTS {key.name} IMMEDIATE; {statement}"
        outcome = duel.hand.attempt(duel.me, statement, list(values.values()))
        if outcome.sqlstate not in (_BROKEN_KEY, REFUSED) and not outcome.by_guard:
            yield _breach(duel.table, f"point ({key.name})", duel.me, outcome.told)


ATTACKS: tuple[Callable[[Duel], Tried], ...] = (
    sees_own,
    select,
    insert,
    update,
    delete,
    move,
    copy,
    truncate,
    point,
)


def _count(table: Table) -> str:
    return f"SELECT count(*) FROM {table.sql} WHERE project_id = ANY (%s)"


def _judge(
    duel: Duel, verb: str, stance: Stance, outcome: Outcome, *, guards: bool = False
) -> Tried:
    if outcome.sqlstate in TOO_SLOW:
        what = f"it could not be attacked: {verb} {stance} took too long ({outcome.told})"
        yield Finding("not-attacked", duel.table.name, what, _LATER)
        return
    if outcome.sqlstate == REFUSED or (guards and outcome.by_guard):
        return
    if outcome.sqlstate is None and not outcome.reached:
        return
    yield _breach(duel.table, verb, stance, outcome.told)


def _breach(table: Table, verb: str, stance: Stance, told: str) -> Finding:
    return Finding("breach", table.name, f"{verb} {stance} reached another tenant: {told}", _MEND)
