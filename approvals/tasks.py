"""What the clock starts: letting requests expire."""

import structlog
from celery import shared_task

from approvals import expiry

log = structlog.get_logger(__name__)


@shared_task(name="approvals.expire")
def expire() -> None:
    """Expire requests that nobody decided in time."""
    if expired := expiry.expire():
        log.info("approvals_expired", count=expired)
