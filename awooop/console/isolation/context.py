"""The context of a transaction: it must be gone when the transaction is."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.console.findings import Check, Finding
from awooop.kit.db import EVERYONE, operator_tx, tenant_tx, worker_tx

_LEFT = """
SELECT name, value FROM (VALUES
         ('rls.tenant_id', current_setting('rls.tenant_id', true)),
         ('rls.operator_scope', current_setting('rls.operator_scope', true)),
         ('role', NULLIF(current_setting('role'), 'none'))) AS left_behind (name, value)
 WHERE value <> ''
"""
_MEND = "open transactions with awooop.kit.db only; set_config(…, true)"


def check() -> Check:
    """Look for a context before any transaction, and after one of each kind."""
    found = list(_left("a new connection"))
    rooms: list[tuple[str, AbstractContextManager[None]]] = [
        ("tenant_tx", tenant_tx("probe")),
        ("operator_tx", operator_tx(EVERYONE)),
        ("worker_tx", worker_tx()),
    ]
    for name, room in rooms:
        with room:
            pass
        found += _left(name)
    return Check("no context outlives its transaction", tuple(found))


def _left(where: str) -> Iterator[Finding]:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_LEFT)
        for setting, value in cursor.fetchall():
            yield Finding("context", where, f"{setting} is still {value!r} after it", _MEND)
