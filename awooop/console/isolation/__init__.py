"""The walls between tenants, examined from the catalogue and then attacked.

Everything happens on the application's own connection, inside transactions that are rolled back: it
is safe on a live database, and says nothing that the application's role could not find out.
"""

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction

from awooop.console.findings import Check, Finding, Report
from awooop.console.isolation import attacks, catalogue, context, rows, surroundings, views, walls
from awooop.console.isolation.catalogue import Table
from awooop.console.isolation.hand import Hand, Stance
from awooop.console.isolation.rows import Rows
from awooop.console.isolation.rules import Rule
from awooop.kit.db import global_tx


def examine(tables: Collection[str] | None = None) -> Report:
    """Look at every tenant table and attack it.

    :param tables: names of the only tables to examine; what is wider than a table is left out then.
    """
    wanted = sorted(tables) if tables is not None else None
    with _undone() as hand:
        checks = [*judged(hand, wanted), *_attacked(hand, wanted)]
    if wanted is None:
        checks.append(context.check())
    return Report(tuple(checks))


@contextmanager
def _undone() -> Iterator[Hand]:
    with global_tx(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        try:
            hand = Hand(cursor)
            hand.prepare()
            yield hand
        finally:
            transaction.set_rollback(True)


def judged(hand: Hand, wanted: list[str] | None = None) -> Iterator[Check]:
    """Ask the catalogue, without attacking."""
    for rule in (*walls.RULES, *surroundings.RULES):
        if wanted is None or not rule.wide:
            yield _answer(hand, rule, wanted)


def _answer(hand: Hand, rule: Rule, wanted: list[str] | None) -> Check:
    try:
        with hand.undoing(Stance("none")):
            return rule.judge(hand.cursor, wanted)
    except Error as reason:
        mend = "ask again when no migration runs"
        what = str(reason).strip().partition("\n")[0]
        return Check(rule.title, (Finding("not-asked", f"rule {rule.code}", what, mend),))


def _attacked(hand: Hand, wanted: list[str] | None) -> Iterator[Check]:
    tables = catalogue.read(hand.cursor)
    targets = catalogue.chosen(tables, wanted)
    mine, theirs = _tenant(), _tenant()
    for table in catalogue.in_order(tables, targets):
        for tenant in (mine, theirs):
            rows.make(hand, table, tenant)
    for table in targets:
        yield Check(f"attack on {table.name}", tuple(_on(hand, table, mine, theirs)))
    if wanted is None:
        yield views.check(hand, mine.tenant, theirs.tenant)


def _on(hand: Hand, table: Table, mine: Rows, theirs: Rows) -> Iterator[Finding]:
    yield from attacks.unmade(table, mine, theirs)
    yield from attacks.on(hand, table, mine, theirs)


def _tenant() -> Rows:
    return Rows(f"probe-{secrets.token_hex(8)}")
