"""A rule: a question to the catalogue whose every answer is a breach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awooop.console.findings import Check, Finding
from awooop.kit import rls

APP, OPERATOR, WORKER = "awooop_app", "awooop_operator", "awooop_worker"

# Every table, view or foreign table outside the system that carries a project. `seen` are those an
# examination was restricted to; `tenant` are always all of them.
_PREFIX = """
WITH tenant AS MATERIALIZED (
  SELECT c.oid, c.oid::regclass::text AS name, c.relowner AS owner, c.relacl AS acl,
         c.relrowsecurity AS secured, c.relforcerowsecurity AS forced, a.attnum AS project,
         a.attnotnull AS required
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped
   WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     AND n.nspname NOT LIKE 'pg\\_temp\\_%%' AND n.nspname NOT LIKE 'pg\\_toast%%'
), seen AS MATERIALIZED (
  SELECT * FROM tenant WHERE %(tables)s::text[] IS NULL OR name = ANY (%(tables)s::text[])
), ours AS MATERIALIZED (
  SELECT oid, rolname AS name FROM pg_roles
   WHERE rolname IN ('awooop_app', 'awooop_operator', 'awooop_worker')
)
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A law of the walls.

    :param sql: gives ``(where, detail)`` of each breach; ``seen``, ``tenant`` and ``ours`` stand
        ready, and ``%(tables)s`` is the restriction or NULL.
    :param what: may name ``{where}`` and ``{detail}``, as ``mend`` may.
    :param wide: it asks about more than one table, so a restricted examination leaves it out.
    """

    code: str
    title: str
    sql: str
    what: str
    mend: str
    wide: bool = False
    warns: bool = False

    def judge(self, cursor: Any, tables: Sequence[str] | None) -> Check:
        """Ask the catalogue and return the breaches."""
        params = {
            "tables": list(tables) if tables is not None else None,
            "tenant_form": f"project_id = {rls.TENANT}",
            "operator_form": rls.OperatorReadPolicy("form").get_sql_expression(),
        }
        cursor.execute(_PREFIX + self.sql, params)
        found = tuple(self._finding(where, detail) for where, detail in cursor.fetchall())
        return Check(self.title, warnings=found) if self.warns else Check(self.title, found)

    def _finding(self, where: str, detail: str | None) -> Finding:
        facts = {"where": where, "detail": detail or ""}
        return Finding(self.code, where, self.what.format(**facts), self.mend.format(**facts))
