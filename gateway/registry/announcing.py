"""Servers that say that their tools changed: a worker is asked to look."""

import structlog
from celery import current_app

log = structlog.get_logger(__name__)

_EXPIRES_SECONDS = 60  # by then the clock has looked


def hear(project_id: str, gateway_id: str) -> None:
    """Have a worker ask a server for its tools.

    A broker that is away costs nothing but the wait for the clock.
    """
    try:
        current_app.send_task(
            "gateway.refresh_one",
            (project_id, gateway_id),
            retry=False,
            expires=_EXPIRES_SECONDS,
        )
    except Exception as reason:  # noqa: BLE001 - a broker that lies breaks its client anywhere
        log.warning("bell_unheard", reason=type(reason).__name__)
