"""Celery: the whole beat table, and what a worker process does when it starts."""

import logging
import os
import threading
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")

app = Celery("awooop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# A thread keeps its connection from task to task: a new one, with everything planned anew, cost
# five times the claim itself. The pipe drops a connection that broke.
app.conf.CELERY_DB_REUSE_MAX = 100_000

app.conf.beat_schedule = {
    "sweep": {
        "task": "runs.drain",
        "schedule": settings.RUN_SWEEP_SECONDS,
        "options": {"expires": settings.RUN_SWEEP_SECONDS},
    },
    "seal": {
        "task": "audit.seal",
        "schedule": settings.AUDIT_SEAL_SECONDS,
        "options": {"expires": settings.AUDIT_SEAL_SECONDS},
    },
    "refresh-tools": {
        "task": "gateway.refresh",
        "schedule": settings.GATEWAY_REFRESH_SECONDS,
        "options": {"expires": settings.GATEWAY_REFRESH_SECONDS},
    },
    "reap-effects": {
        "task": "gateway.reap",
        "schedule": float(settings.RUN_REAPER_SECONDS),
        "options": {"expires": float(settings.RUN_REAPER_SECONDS)},
    },
    "expire-approvals": {
        "task": "approvals.expire",
        "schedule": float(settings.RUN_REAPER_SECONDS),
        "options": {"expires": float(settings.RUN_REAPER_SECONDS)},
    },
    "tend-operations": {
        "task": "approvals.tend",
        "schedule": settings.RUN_SWEEP_SECONDS,
        "options": {"expires": settings.RUN_SWEEP_SECONDS},
    },
    "reap": {
        "task": "runs.reap",
        "schedule": float(settings.RUN_REAPER_SECONDS),
        "options": {"expires": float(settings.RUN_REAPER_SECONDS)},
    },
}
app.conf.beat_max_loop_interval = 1


@setup_logging.connect
def keep_our_logs(loglevel: int | str | None = None, **_: Any) -> None:
    """Leave the loggers as Django set them up: Celery's own formatters would not redact."""
    logging.getLogger("celery").setLevel(loglevel or logging.WARNING)


@worker_init.connect
@beat_init.connect
def refuse_unsafe_role(**_: Any) -> None:
    """End a worker or beat at once when its database role is not bound by row level security."""
    from awooop.kit import roles  # models and settings are ready only now

    roles.verify()


@worker_init.connect
def watch_the_queue(**_: Any) -> None:
    """Let the worker look at the queue by itself while the broker is away, even at its start."""
    from runs import worker

    threading.Thread(target=worker.watch, args=(threading.Event(),), daemon=True).start()
