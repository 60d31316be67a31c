"""Letting time pass for single rows, which only the owner of their tables can."""

from uuid import UUID

from django.db import connections, transaction


def overdue(approval_id: UUID, seconds: float = 0) -> None:
    """Let a request's time be over, or be so soon."""
    _set("awooop_approval", "expires_at", "approval_id", approval_id, seconds)


def lapse(run_id: UUID) -> None:
    """Let the lease of a run be over."""
    _set("awooop_run_state", "lease_expires_at", "run_id", run_id, 0)


def _set(table: str, column: str, key: str, identity: UUID, seconds: float) -> None:
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(
            f"UPDATE {table} SET {column} = clock_timestamp() + make_interval(secs => %s)"
            f" WHERE {key} = %s",
            [seconds, identity],
        )
        assert cursor.rowcount == 1
        cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
