"""The tables as PostgreSQL knows them: enough of each to make a row and to attack it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

_TABLES = """
SELECT c.oid, c.oid::regclass::text,
       format('%%I.%%I', n.nspname, c.relname),
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'project_id'
                AND NOT a.attisdropped),
       EXISTS (SELECT FROM pg_roles r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p
                WHERE r.rolname IN ('awooop_app', 'awooop_operator', 'awooop_worker')
                  AND has_any_column_privilege(r.oid, c.oid, p)),
       has_any_column_privilege('awooop_operator', c.oid, 'SELECT'),
       has_any_column_privilege('awooop_worker', c.oid, 'SELECT'),
       has_table_privilege('awooop_app', c.oid, 'TRUNCATE')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg\\_toast%%' AND n.nspname NOT LIKE 'pg\\_temp\\_%%'
 ORDER BY 2
"""

_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '',
       has_column_privilege('awooop_app', a.attrelid, a.attnum, 'UPDATE'),
       (SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = a.atttypid
         ORDER BY e.enumsortorder LIMIT 1)
  FROM pg_attribute a
 WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 ORDER BY a.attrelid, a.attnum
"""

_CONSTRAINTS = """
SELECT k.conrelid, k.contype::text, quote_ident(k.conname), k.condeferrable, k.confrelid,
       pg_get_constraintdef(k.oid), quote_ident(n.nspname),
       ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY u (num, i)
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.i),
       ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY u (num, i)
               JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.i)
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE k.conrelid = ANY (%s) AND k.contype IN ('p', 'u', 'f', 'c') ORDER BY k.conname
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a row may be given a value for."""

    name: str
    type: str
    required: bool
    has_default: bool
    updatable: bool
    label: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that must name a row of another table."""

    name: str
    deferrable: bool
    target: int
    columns: tuple[str, ...]
    refs: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """One table, with or without a project.

    :param name: as people read it; ``sql`` is how a statement names it whatever the search path.
    :param touched: some role of the application has a privilege on it.
    """

    oid: int
    name: str
    sql: str
    is_tenant: bool
    touched: bool
    operator_reads: bool
    worker_reads: bool
    truncatable: bool
    columns: dict[str, Column] = field(default_factory=dict)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    checks: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def needs(self) -> set[int]:
        """Return the tables without whose rows this one can have none."""
        return {key.target for key in self.foreign_keys if self.is_bound(key)} - {self.oid}

    def is_bound(self, key: ForeignKey) -> bool:
        """Tell whether every row must obey a foreign key, none of its columns being nullable."""
        return all(self.columns[name].required for name in key.columns if name in self.columns)


def read(cursor: Any) -> dict[int, Table]:
    """Return every table outside the system, by oid."""
    cursor.execute(_TABLES, [])
    tables = {row[0]: Table(*row) for row in cursor.fetchall()}
    oids = list(tables)
    cursor.execute(_COLUMNS, [oids])
    for oid, *facts in cursor.fetchall():
        tables[oid].columns[facts[0]] = Column(*facts)
    cursor.execute(_CONSTRAINTS, [oids])
    for oid, kind, name, deferrable, target, text, schema, columns, refs in cursor.fetchall():
        table = tables[oid]
        if kind == "f":
            key = ForeignKey(f"{schema}.{name}", deferrable, target, tuple(columns), tuple(refs))
            table.foreign_keys.append(key)
        elif kind == "c":
            table.checks.append((tuple(columns), text))
        else:
            table.keys.update(columns)
    return tables


def chosen(tables: dict[int, Table], names: Collection[str] | None) -> list[Table]:
    """Return the tenant tables an examination is about."""
    return [
        table
        for table in tables.values()
        if table.is_tenant and (names is None or table.name in names)
    ]


def in_order(tables: dict[int, Table], wanted: Iterable[Table]) -> list[Table]:
    """Return ``wanted`` and all they need, each after what it needs."""
    placed: dict[int, Table] = {}

    def place(table: Table, above: frozenset[int]) -> None:
        if table.oid in placed or table.oid in above:
            return
        for oid in sorted(table.needs()):
            place(tables[oid], above | {table.oid})
        placed[table.oid] = table

    for table in wanted:
        place(table, frozenset())
    return list(placed.values())
