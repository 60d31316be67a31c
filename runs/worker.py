"""The worker's loop: claim a batch, work on it, end each run; again until nothing waits.

Several short transactions with the work strictly between. Losing the lease or the database ends
the worker's authority over a run; the reaper gives it to another.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from awooop.errors import Code, Conflict, Corrupt
from awooop.kit import tenancy
from contracts import queries
from contracts.models import Family
from runs import executors, leases, money, shadow, wake
from runs.executors import Parked
from runs.fsm import State
from runs.leases import Ending, Lease

log = structlog.get_logger(__name__)

_SILENT_SWEEPS = 3  # missed in a row before a worker looks by itself

LANES = 4
_lanes: ThreadPoolExecutor | None = None
_lanes_lock = threading.Lock()

_last_drain = _last_reap = time.monotonic()


def name() -> str:
    """Return this thread's name as a worker: host, process, thread."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{threading.get_native_id()}"


def drain(*, worker: str, batch: int | None = None) -> int:
    """Work until no run can be claimed; return how many ended."""
    global _last_drain
    _last_drain = time.monotonic()
    wake.heard()
    ended = 0
    while taken := leases.claim(worker=worker, batch=batch or settings.RUN_BATCH):
        ended += _end(list(_work(taken)))
    return ended


def reap() -> dict[str, int]:
    """Take back runs whose worker was lost, end the late ones, release the money of both.

    Returns what :func:`runs.leases.reap` does.
    """
    global _last_reap
    _last_reap = time.monotonic()
    moved = leases.reap()
    money.release_lost()
    return moved


def dismiss_lanes() -> None:
    """Close the connections that ending runs side by side has opened in this process."""
    global _lanes
    with _lanes_lock:
        lanes, _lanes = _lanes, None
    if lanes is not None:
        together = threading.Barrier(LANES)

        def leave(_: int) -> None:
            together.wait()  # so that each thread takes one
            connections.close_all()

        list(lanes.map(leave, range(LANES)))
        lanes.shutdown()


def _end(endings: Sequence[Ending]) -> int:
    """End runs over several connections: each commits alone, and the disk flushes them together."""
    global _lanes
    if len(endings) < 2 * LANES:
        return leases.finish(endings)
    with _lanes_lock:
        _lanes = _lanes or ThreadPoolExecutor(LANES, thread_name_prefix="lane")
        lanes = _lanes
    return sum(lanes.map(leases.finish, [endings[lane::LANES] for lane in range(LANES)]))


def _forget_lanes() -> None:
    global _lanes, _lanes_lock
    _lanes, _lanes_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_lanes)  # a child has the pool but not its threads


def watch(stop: threading.Event) -> None:
    """Reap and drain by itself when neither bell nor clock is heard: broker or beat may be away.

    Blocks until ``stop`` is set; a worker process runs it in a thread of its own.
    """
    while not stop.wait(settings.RUN_SWEEP_SECONDS):
        now = time.monotonic()
        try:
            if now - _last_reap > _SILENT_SWEEPS * settings.RUN_REAPER_SECONDS:
                reap()
            if now - _last_drain > _SILENT_SWEEPS * settings.RUN_SWEEP_SECONDS:
                drain(worker=name())
        except (psycopg.Error, DatabaseError) as reason:
            log.warning("queue_unreadable", reason=type(reason).__name__)
            connections.close_all()


def _work(taken: Sequence[Lease]) -> Iterator[Ending]:
    """Execute each run in turn, renewing the leases of those still in hand when time passes."""
    renewed, held = time.monotonic(), {lease.run_id for lease in taken}
    for lease in taken:
        if time.monotonic() - renewed > settings.RUN_LEASE_SECONDS / 3:
            renewed, held = time.monotonic(), leases.heartbeat(taken)
        if lease.run_id in held and (ending := execute(lease)) is not None:
            yield ending


def execute(lease: Lease) -> Ending | None:
    """Do one run's work and say how it should end; None when it is not ours to end. Never raises.

    A run that waits is not, nor one whose lease was lost.
    """
    with tenancy.acting_for(lease.project_id):
        try:
            done = executors.execute(lease) or _walk(lease)
            return None if isinstance(done, Parked) else done
        except Exception as reason:  # the loop's own door: a run fails, the worker goes on
            if isinstance(reason, Conflict) and reason.code is Code.RUN_LEASE_LOST:
                log.warning("lease_lost", code=reason.code.value, run_id=str(lease.run_id))
                return None
            log.exception("executor_failed", run_id=str(lease.run_id))
            return _failed(lease, Code.RUN_EXECUTOR_FAILED, f"{type(reason).__name__}: {reason}")


def _walk(lease: Lease) -> Ending:
    try:
        queries.active(lease.project_id, Family.AGENT, lease.agent_id)
    except Corrupt as reason:
        return _failed(lease, reason.code, reason.detail)
    bodies = queries.of_project(lease.project_id)
    done = shadow.walk(lease.project_id, lease.agent_id, bodies)
    if done is None:
        return _failed(
            lease, Code.CONTRACT_MISSING, f"agent {lease.agent_id} has no active contract"
        )
    simulated = done.step_count - done.blocked
    return Ending(
        lease,
        State.COMPLETED,
        reason=f"shadow walk: {simulated} simulated, {done.blocked} blocked",
        steps=done.steps,
        step_count=done.step_count,
        output_sha256=done.output_sha256,
    )


def _failed(lease: Lease, code: Code, detail: str) -> Ending:
    return Ending(lease, State.FAILED, reason=code.title, error_code=code, error_detail=detail)
