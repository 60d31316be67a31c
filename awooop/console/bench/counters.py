"""What a phase cost the database: commits, log, updates in place; and the client: round trips.

Commits and row updates come from the statistics of the scratch database, which sessions report when
they end. The log's position is the whole server's: phases are measured in slices and the smallest
stands, because full-page images and other people's work only ever add.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections
from psycopg import Connection
from psycopg._cursor_base import BaseCursor
from psycopg._pipeline_base import BasePipeline

_REPORTED_SECONDS = 5.0
_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND usename <> current_user
"""


def commits() -> int:
    """Return the scratch database's committed transactions."""
    _await_reports()
    sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    return int(_one(sql)[0])


def updates_in_place(table: str) -> int:
    """Return how many of a table's rows were updated on their page (HOT)."""
    _await_reports()
    sql = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s"
    return int(_one(sql, [table])[0])


def log_bytes(work: Callable[[], Any]) -> int:
    """Return how far the server's log went on while ``work`` ran."""
    before = _one("SELECT pg_current_wal_insert_lsn()::text")[0]
    work()
    return int(_one("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before])[0])


def _await_reports() -> None:
    """A session reports what it did at the latest before it vanishes from the activity."""
    connections["default"].close()
    deadline = time.monotonic() + _REPORTED_SECONDS
    while _one(_SESSIONS)[0] and time.monotonic() < deadline:
        time.sleep(0.02)
    _one("SELECT 1 FROM pg_stat_force_next_flush()")  # what this session did goes by the second


def _one(sql: str, params: list[Any] | None = None) -> tuple[Any, ...]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


@dataclass
class Trips:
    """How often this process waited for the database, and for how many statements."""

    waits: int = 0
    statements: int = 0


@contextlib.contextmanager
def trips() -> Iterator[Trips]:
    """Count the round trips of every connection of this process.

    Leaving a pipeline waits once for its sync; fetching inside one waits for a flush; a statement
    outside of one waits for itself.
    """
    counted, inside = Trips(), threading.local()
    leave, fetch = BasePipeline._exit_gen, BasePipeline._fetch_gen
    execute, command = BaseCursor._execute_gen, Connection._exec_command

    def counted_leave(self: Any) -> Any:
        counted.waits += 1
        inside.leaving = True
        try:
            return (yield from leave(self))
        finally:
            inside.leaving = False

    def counted_fetch(self: Any, *, flush: bool) -> Any:
        if flush and self.result_queue and not getattr(inside, "leaving", False):
            counted.waits += 1
        return (yield from fetch(self, flush=flush))

    def counted_execute(self: Any, *given: Any, **named: Any) -> Any:
        counted.statements += 1
        counted.waits += self._conn._pipeline is None
        return (yield from execute(self, *given, **named))

    def counted_command(self: Any, *given: Any, **named: Any) -> Any:
        counted.waits += self._pipeline is None
        return (yield from command(self, *given, **named))

    patched: Any = (
        (BasePipeline, "_exit_gen", counted_leave, leave),
        (BasePipeline, "_fetch_gen", counted_fetch, fetch),
        (BaseCursor, "_execute_gen", counted_execute, execute),
        (Connection, "_exec_command", counted_command, command),
    )
    for owner, name, new, _ in patched:
        setattr(owner, name, new)
    try:
        yield counted
    finally:
        for owner, name, _, old in patched:
            setattr(owner, name, old)
