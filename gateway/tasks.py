"""What the clock starts: giving up on lost effects, and asking their probes."""

import structlog
from celery import shared_task

from gateway import effects, inquiry

log = structlog.get_logger(__name__)


@shared_task(name="gateway.reap")
def reap() -> None:
    """Mark effects unknown whose process was lost, and ask the probes of those that are."""
    if unknown := effects.reap():
        log.warning("effects_reaped", count=unknown)
    if known := inquiry.ask_all():
        log.info("effects_known", count=known)
