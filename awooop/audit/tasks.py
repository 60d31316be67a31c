"""What the clock starts: signing checkpoints."""

import structlog
from celery import shared_task
from django.utils import timezone

from awooop.audit import sealing

log = structlog.get_logger(__name__)


@shared_task(name="audit.seal")
def seal() -> None:
    """Sign a checkpoint of every chain that has grown and holds."""
    if sealed := sealing.seal_all(at=timezone.now()):
        log.info("audit_sealed", chains=sealed)
