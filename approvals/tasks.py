"""What the clock starts: expiry, looking after operations; what a door starts after a decision."""

from uuid import UUID

import psycopg
import structlog
from celery import shared_task
from django.db import DatabaseError

from approvals import expiry, settling
from approvals.operations import tending
from runs import leases
from runs import tasks as runs

log = structlog.get_logger(__name__)


@shared_task(name="approvals.expire")
def expire() -> None:
    """Expire requests that nobody decided in time; settle those whose run ended without word."""
    if expired := expiry.expire():
        log.info("approvals_expired", count=expired)
    if settled := settling.settle():
        log.info("approvals_settled", count=settled)


@shared_task(name="approvals.tend")
def tend() -> None:
    """Wake, verify and learn from the operations that are due."""
    tending.tend()


def go_on(project_id: str, run_id: UUID) -> None:
    """Let a worker take up a run at once whose request was approved. Call after the commit.

    What fails here costs a wait: the reaper does the same a moment later.
    """
    try:
        if leases.requeue(project_id, run_id):
            runs.ring()
    except (psycopg.Error, DatabaseError) as reason:
        log.warning("requeue_left_to_reaper", run_id=str(run_id), reason=type(reason).__name__)
