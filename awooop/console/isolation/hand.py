"""The hand that tries the doors: one transaction, a savepoint for each attempt."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError

from awooop.console.isolation.rules import APP

REFUSED = "42501"  # insufficient_privilege: a missing grant, or a policy's WITH CHECK
TOO_SLOW = ("57014", "55P03")  # statement_timeout, lock_timeout

# A doctor tries thousands of doors: what belongs together is sent together.
_BEGIN = "SAVEPOINT doctor; "
_ENTER = """
SELECT set_config('role', %s, true), set_config('rls.tenant_id', %s, true),
       set_config('rls.operator_scope', %s, true)
"""
_KEEP = "; RELEASE SAVEPOINT doctor"
_UNDO = "ROLLBACK TO SAVEPOINT doctor; RELEASE SAVEPOINT doctor"

# A live database must not wait for us, nor we for it.
_PATIENCE = """
SELECT set_config('statement_timeout', '5s', true), set_config('lock_timeout', '1s', true)
"""


@dataclass(frozen=True, slots=True)
class Stance:
    """As whom a statement is tried."""

    role: str
    tenant: str = ""
    scope: str = ""

    def __str__(self) -> str:
        if self.role == APP:
            return "as a tenant" if self.tenant else "as nobody"
        if self.scope:
            return f"as {self.role} of one tenant" if self.scope != "*" else f"as {self.role}"
        return f"as {self.role}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: rows reached, or the error that stopped it."""

    reached: int = 0
    sqlstate: str | None = None
    message: str = ""
    by_guard: bool = False

    @property
    def told(self) -> str:
        return self.message or f"{self.reached} rows"


class _Leaked(Exception):
    """A line of somebody else."""


class Hand:
    """One cursor inside one transaction that will be rolled back."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def prepare(self) -> None:
        """Set the time limits of the whole transaction."""
        self.cursor.execute(_PATIENCE)

    def run(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Execute one statement and return its rows, if it gives any."""
        self.cursor.execute(sql, params if isinstance(params, dict) else list(params))
        return self.cursor.fetchall() if self.cursor.description else []

    @contextmanager
    def keeping(self, stance: Stance) -> Iterator[None]:
        """Stand as ``stance`` and keep what is done; an error undoes it."""
        try:
            self._stand(_BEGIN + _ENTER, stance)
            yield
        except DatabaseError:
            self._undo()
            raise
        self._stand(_ENTER + _KEEP, Stance("none"))

    @contextmanager
    def undoing(self, stance: Stance) -> Iterator[None]:
        """Stand as ``stance`` and undo what is done."""
        try:
            self._stand(_BEGIN + _ENTER, stance)
            yield
        finally:
            self._undo()

    def attempt(self, stance: Stance, sql: str, params: Sequence[Any] = ()) -> Outcome:
        """Try a statement and undo it. A lone ``count(*)`` counts as rows reached."""
        try:
            with self.undoing(stance):
                rows = self.run(sql, params)
                reached = rows[0][0] if rows else max(self.cursor.rowcount, 0)
        except DatabaseError as error:
            return stopped(error)
        return Outcome(reached=int(reached))

    def copy_out(self, stance: Stance, table: str, own: str | None) -> Outcome:
        """Try COPY TO and stop at the first line that is not ``own``."""
        try:
            with self.undoing(stance), self.cursor.copy(f"COPY {table} TO STDOUT") as copy:
                for line in copy:
                    if own is None or own.encode() not in bytes(line):
                        raise _Leaked  # only an exception makes psycopg cancel the rest
        except _Leaked:
            return Outcome(reached=1)
        except (DatabaseError, psycopg.Error) as error:
            return stopped(error)
        return Outcome()

    def copy_in(self, stance: Stance, table: str, values: dict[str, str]) -> Outcome:
        """Try COPY FROM with one row."""
        names = ", ".join(f'"{name}"' for name in values)
        statement = f"COPY {table} ({names}) FROM STDIN"
        try:
            with self.undoing(stance), self.cursor.copy(statement) as copy:
                copy.write_row(list(values.values()))
        except (DatabaseError, psycopg.Error) as error:
            return stopped(error)
        return Outcome(reached=1)

    def _stand(self, sql: str, stance: Stance) -> None:
        self.cursor.execute(sql, [stance.role, stance.tenant, stance.scope])

    def _undo(self) -> None:
        self.cursor.execute(_UNDO)


def stopped(error: Exception) -> Outcome:
    """Return what an error of the database says about an attempt."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    diagnosis = getattr(cause, "diag", None)
    return Outcome(
        sqlstate=getattr(cause, "sqlstate", None) or "?",
        message=str(error).strip().partition("\n")[0],
        by_guard="PL/pgSQL function" in (getattr(diagnosis, "context", None) or ""),
    )
