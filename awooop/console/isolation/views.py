"""Views under attack: whatever they read, nobody sees a row and a tenant only its own."""

from awooop.console.findings import Check, Finding
from awooop.console.isolation.hand import Hand, Stance
from awooop.console.isolation.rules import APP, OPERATOR

_VIEWS = """
SELECT c.oid::regclass::text, format('%%I.%%I', n.nspname, c.relname),
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'project_id'
                AND NOT a.attisdropped)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'project_id')
"""
_MEND = "ALTER VIEW … SET (security_invoker = true); DROP it when it is materialized"


def check(hand: Hand, mine: str, theirs: str) -> Check:
    """Read every view that shows projects, as nobody, as a tenant and as an operator of nothing."""
    found = []
    for name, sql, _ in hand.run(_VIEWS):
        statement = f"SELECT count(*) FROM {sql} WHERE project_id = ANY (%s)"
        for stance, tenants in (
            (Stance(APP), [mine, theirs]),
            (Stance(APP, mine), [theirs]),
            (Stance(OPERATOR), [mine, theirs]),
        ):
            outcome = hand.attempt(stance, statement, [tenants])
            if outcome.reached:
                what = f"select {stance} reached another tenant: {outcome.told}"
                found.append(Finding("breach", name, what, _MEND))
    return Check("attack on the views", tuple(found))
