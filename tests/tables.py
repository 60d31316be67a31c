"""What tests do to all tables at once: empty them, keep what a project left there, write it again.

A superuser does it, where there is one; only emptying is possible without.
"""

import contextlib
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import connections

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
GUARDED = ("awooop_audit_", "awooop_budget_", "awooop_mcp_gateway_audit")

_FILLED = """
SELECT relname FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
_OF_PROJECTS = """
SELECT c.relname, string_agg(quote_ident(every.attname), ', ' ORDER BY every.attnum)
  FROM pg_class c
  JOIN pg_attribute named ON named.attrelid = c.oid AND named.attname = 'project_id'
  JOIN pg_attribute every ON every.attrelid = c.oid AND every.attnum > 0
   AND NOT every.attisdropped AND every.attgenerated = ''
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND pg_relation_size(c.oid) > 0
 GROUP BY c.relname
"""
_ROWS = """
SELECT format(
         'INSERT INTO %%1$I (%%2$s) OVERRIDING SYSTEM VALUE SELECT %%2$s'
         ' FROM unnest(%%3$L::%%1$I[])',
         %(table)s::text, %(columns)s::text, array_agg(t)::text)
  FROM "{}" t WHERE project_id = %(project_id)s HAVING count(*) > 0
"""
_KEYS = ("SECRET_KEY", "REDACTION_KEY", "CONTRACT_KEYS", "AUDIT_SIGNING_KEY")

T = TypeVar("T")

_connection: psycopg.Connection[Any] | None = None
_casts: dict[Hashable, tuple[list[str], Any]] = {}


def wipe() -> None:
    """Empty every table but those that migrations filled.

    A superuser deletes from the few tables that hold anything: foreign keys let nobody truncate
    fewer than all of them, and that costs more than most tests.
    """
    superuser = _superuser()
    if superuser is None:
        _truncate()
        return
    filled = [name for (name,) in superuser.execute(_FILLED) if name not in KEPT]
    _unguarded(superuser, [f'DELETE FROM "{name}"' for name in filled])


def cast(project_id: str, mould: Hashable, make: Callable[[], T]) -> T:
    """Return what ``make`` returned the first time, and leave the rows of a project it made then.

    It makes them itself where the project has some already.

    :param mould: equal where ``make`` would make the same again.
    """
    superuser = _superuser()
    name = (project_id, mould, *(str(getattr(settings, key)) for key in _KEYS))
    if name in _casts and superuser is not None:
        rows, made = _casts[name]
        with contextlib.suppress(psycopg.errors.UniqueViolation):
            _unguarded(superuser, rows)
            return made
    is_new = superuser is not None and not _rows(superuser, project_id)
    made = make()
    if is_new:
        _casts[name] = _rows(superuser, project_id), made
    return made


def leave() -> None:
    """Close what is kept open: a database that somebody uses cannot be dropped."""
    global _connection
    if _connection is not None:
        _connection.close()
    _connection = None


def _superuser() -> psycopg.Connection[Any] | None:
    global _connection
    with contextlib.suppress(psycopg.OperationalError):
        if _connection is not None:
            _connection.execute("SELECT 1")
            return _connection
    found = connections["owner"].settings_dict
    try:
        _connection = psycopg.connect(
            dbname=found["NAME"], user="postgres", host=found["HOST"], port=found["PORT"] or 5432,
            connect_timeout=2, autocommit=True,
        )  # fmt: skip
    except psycopg.OperationalError:
        return None
    return _connection


def _unguarded(superuser: psycopg.Connection[Any], statements: list[str]) -> None:
    """Write without triggers and foreign keys."""
    with superuser.transaction():
        superuser.execute("; ".join(["SET LOCAL session_replication_role = replica", *statements]))


def _rows(superuser: psycopg.Connection[Any], project_id: str) -> list[str]:
    found: list[str] = []
    for table, columns in superuser.execute(_OF_PROJECTS).fetchall():
        asked = {"table": table, "columns": columns, "project_id": project_id}
        found += [text for (text,) in superuser.execute(_ROWS.format(table), asked)]
    return found


def _truncate() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall() if name not in KEPT]
        names = ", ".join(f'"{name}"' for name in tables)
        guarded = [name for name in tables if name.startswith(GUARDED)]
        for name in guarded:  # what the tables of evidence refuse even their owner
            cursor.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
        cursor.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        for name in guarded:
            cursor.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')
