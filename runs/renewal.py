"""Keeping one run's lease while its work takes longer than a lease lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from runs import leases
from runs.leases import Lease

log = structlog.get_logger(__name__)


@contextmanager
def kept(lease: Lease) -> Iterator[None]:
    """Renew a lease from a thread of its own for the length of the block.

    A lease that is lost meanwhile stays lost: whatever the block writes is fenced.
    """
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(lease, done), name="renewal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew(lease: Lease, done: threading.Event) -> None:
    try:
        while not done.wait(settings.RUN_LEASE_SECONDS / 3):
            if lease.run_id not in leases.heartbeat([lease]):
                return
    except (psycopg.Error, DatabaseError) as reason:
        log.warning("lease_not_renewed", run_id=str(lease.run_id), reason=type(reason).__name__)
    finally:
        connections.close_all()
