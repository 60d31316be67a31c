"""From order to start on an idle system, with a real Celery worker woken by a real ring."""

import random
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from celery.app.utils import find_app
from django.db import connections

from awooop.console.bench import chores, fill
from awooop.console.bench.processes import child, say, server
from awooop.console.bench.report import Bar, Figure
from awooop.kit.db import pipe
from runs import orders as doors
from runs import tasks
from runs import worker as drainer

_READY_SECONDS = 30
_START_SECONDS = 10
_PAST_RUNS = 300
_P50, _P99 = Bar(5, 2, of_ratio=False, at_most=True), Bar(20, 4, of_ratio=False, at_most=True)

_STARTED = """
SELECT run_id, created_at, started_at FROM awooop_run_state
 WHERE run_id = ANY (%s) AND started_at IS NOT NULL
"""


def figures(project: str, *, orders: int) -> list[Figure]:
    """Place ``orders`` orders, each on an idle system, and tell how soon they started."""
    find_app("awooop")  # the app that rings, as for every process of ours
    _make_history(project)
    say(f"starting a Celery worker; {orders} orders, one at a time")
    worker = child("worker")
    with server(worker.arguments, worker.variables):
        _await_worker(project)
        placed = [_place(project) for _ in range(orders)]
        started = _starts([run_id for run_id, _ in placed])
        behind = _clock_difference()
    waits = [_ms(*started[run_id]) for run_id, _ in placed]
    rings = [_ms(rung, started[run_id][1]) + behind for run_id, rung in placed]
    return [
        Figure("order to start, p50", _quantile(waits, 0.50), "ms", bar=_P50),
        Figure("order to start, p99", _quantile(waits, 0.99), "ms", bar=_P99),
        Figure("ring to start, p50", _quantile(rings, 0.50), "ms"),
        Figure("ring to start, p99", _quantile(rings, 0.99), "ms"),
    ]


def _make_history(project: str) -> None:
    """An idle system has a past, and its planner knows it."""
    fill.pending("awooop_run_state", [project], _PAST_RUNS)
    drainer.drain(worker=drainer.name())
    fill.settle("awooop_run_state", "awooop_projects")


def _place(project: str) -> tuple[UUID, datetime]:
    """As the API does; the pause before is long enough for the last run to be over."""
    time.sleep(random.uniform(0.02, 0.06))  # noqa: S311 - a pause, not a secret
    receipt = doors.place(chores.order(project))
    rung = datetime.now().astimezone()
    tasks.ring()
    return receipt.run_id, rung


def _await_worker(project: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    warm: list[UUID] = []
    while len(_started(warm)) < 5:
        if time.monotonic() > deadline:
            raise RuntimeError("the Celery worker does not start runs")
        warm.append(_place(project)[0])
        time.sleep(0.1)
    _starts(warm)


def _starts(run_ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, datetime]]:
    deadline = time.monotonic() + _START_SECONDS
    while len(found := _started(run_ids)) < len(run_ids):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(run_ids) - len(found)} runs did not start: a ring was lost")
        time.sleep(0.05)
    return found


def _started(run_ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, datetime]]:
    with pipe() as p, p.worker_tx():
        found = p.send(_STARTED, [list(run_ids)])
    return {run_id: (created, started) for run_id, created, started in found.fetchall()}


def _clock_difference() -> float:
    """How many milliseconds the database's clock is behind ours."""
    before = datetime.now().astimezone()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    after = datetime.now().astimezone()
    return _ms(theirs, before + (after - before) / 2)


def _ms(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1000


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
