"""What the clock starts: lost effects and their probes; asking servers for their tools."""

import structlog
from celery import shared_task
from django.utils import timezone

from gateway import effects, inquiry
from gateway.registry import due

log = structlog.get_logger(__name__)


@shared_task(name="gateway.reap")
def reap() -> None:
    """Mark effects unknown whose process was lost, and ask the probes of those that are."""
    if unknown := effects.reap():
        log.warning("effects_reaped", count=unknown)
    if known := inquiry.ask_all():
        log.info("effects_known", count=known)


@shared_task(name="gateway.refresh")
def refresh() -> None:
    """Ask the servers whose turn it is for their tools."""
    due.refresh_due(at=timezone.now())


@shared_task(name="gateway.refresh_one")
def refresh_one(project_id: str, gateway_id: str) -> None:
    """Ask a server that said that its tools changed."""
    due.refresh_one(project_id, gateway_id, at=timezone.now())
