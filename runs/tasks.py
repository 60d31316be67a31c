"""What the clock and the bell start: draining the queue and reaping what was lost."""

import structlog
from celery import shared_task

from runs import wake, worker

log = structlog.get_logger(__name__)


@shared_task(name="runs.drain")
def drain() -> None:
    """Work on waiting runs until none can be claimed."""
    worker.drain(worker=worker.name())


@shared_task(name="runs.reap")
def reap() -> None:
    """Take back runs whose worker was lost and end those whose time ran out."""
    if moved := worker.reap():
        log.info("reaped", **moved)
        drain()


def ring() -> None:
    """Wake a worker, if none was woken a moment ago. Call after the commit.

    A broker that is away costs nothing but the wait for the sweep.
    """
    if not wake.due():
        return
    try:
        drain.apply_async(retry=False)
    except Exception as reason:  # noqa: BLE001 - a broker that lies breaks its client anywhere
        log.warning("bell_unheard", reason=type(reason).__name__)
