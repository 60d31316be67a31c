"""What the clock starts: letting requests expire, looking after operations."""

import structlog
from celery import shared_task

from approvals import expiry
from approvals.operations import tending

log = structlog.get_logger(__name__)


@shared_task(name="approvals.expire")
def expire() -> None:
    """Expire requests that nobody decided in time."""
    if expired := expiry.expire():
        log.info("approvals_expired", count=expired)


@shared_task(name="approvals.tend")
def tend() -> None:
    """Wake, verify and learn from the operations that are due."""
    tending.tend()
