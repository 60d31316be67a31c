"""The chores of a helper process: it reads one JSON line, does it, answers with one.

A helper stands for one of our processes: a web that places orders in threads, a worker that drains
as its Celery task does, a client at the door.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.db import connections

from awooop.console.bench import agent, client, counters, evidence, fill, pgbench
from awooop.kit import ids
from awooop.kit.db import pipe
from contracts import queries as contracts
from runs import leases, orders, worker
from runs.intake import Order
from runs.models import Trigger

_PAUSE_SECONDS = 0.002
_ANY_WAITS = "SELECT EXISTS (SELECT FROM awooop_run_state WHERE state = 'pending')"

Result = dict[str, Any]


def order(project: str) -> Order:
    """Return an order as the API makes one from a usual body."""
    return Order(
        project_id=project,
        agent_id=fill.AGENT,
        is_shadow=True,
        trigger_type=Trigger.API,
        input=json.loads(fill.INPUT),
        channel_type="api",
        provider_event_id=str(ids.new_id()),
    )


def create(
    projects: Sequence[str], threads: int, each: int = sys.maxsize, seconds: float = 3_600
) -> Result:
    """Place orders in threads, ``each`` a thread or until the time is over."""
    placed = [0] * threads
    ready = threading.Barrier(threads + 1)
    until: list[float] = []

    def place(number: int) -> None:
        project = projects[number % len(projects)]
        orders.place(order(project))  # connects, prepares, reads the contracts
        ready.wait()
        ready.wait()
        while placed[number] < each and time.monotonic() < until[0]:
            orders.place(order(project))
            placed[number] += 1
        connections.close_all()

    pool = [threading.Thread(target=place, args=(number,)) for number in range(threads)]
    for thread in pool:
        thread.start()
    ready.wait()
    began = time.monotonic()
    until.append(began + seconds)
    ready.wait()
    for thread in pool:
        thread.join()
    return _span(began, sum(placed))


def drain() -> Result:
    """Drain as the task does, and again while runs wait that another worker's locks kept from us.

    :returns: also how many calls that took.
    """
    began, ended, calls = time.monotonic(), 0, 0
    while True:
        ended += worker.drain(worker=worker.name())
        calls += 1
        if not _any_waits():
            return {**_span(began, ended), "calls": calls}
        time.sleep(_PAUSE_SECONDS)


def work(seconds: float) -> Result:
    """Drain what comes until the time is over."""
    began, ended = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        if not (done := worker.drain(worker=worker.name())):
            time.sleep(_PAUSE_SECONDS)
        ended += done
    return _span(began, ended)


def claim() -> Result:
    """Claim until nothing waits or every project has its fill."""
    began, claimed = time.monotonic(), 0
    while taken := leases.claim(worker=worker.name(), batch=settings.RUN_BATCH):
        claimed += len(taken)
    return _span(began, claimed)


def heartbeat(beats: int) -> Result:
    """Claim a batch and renew its leases again and again."""
    taken = leases.claim(worker=worker.name(), batch=settings.RUN_BATCH)
    began = time.monotonic()
    for _ in range(beats):
        leases.heartbeat(taken)
    return _span(began, beats * len(taken))


def walk(projects: Sequence[str], count: int) -> Result:
    """Live whole lives, counting round trips: place ``count`` orders, then drain them."""
    for project in projects:
        contracts.of_project(project)
    began = time.monotonic()
    with counters.trips() as counted:
        for number in range(count):
            orders.place(order(projects[number % len(projects)]))
        drained = worker.drain(worker=worker.name())
    return {**_span(began, drained), "waits": counted.waits}


def _any_waits() -> bool:
    with pipe() as p, p.worker_tx():
        found = p.send(_ANY_WAITS)
    return bool(found.fetchone()[0])  # type: ignore[index]


def _span(began: float, count: int) -> Result:
    return {"began": began, "ended": time.monotonic(), "count": count}


def leave() -> None:
    """Close every connection of this process, those of the drain's lanes too."""
    worker.dismiss_lanes()
    connections.close_all()


CHORES: dict[str, Callable[..., Any]] = {
    "nothing": lambda: None,
    "create": create,
    "drain": drain,
    "work": work,
    "claim": claim,
    "heartbeat": heartbeat,
    "walk": walk,
    "leave": leave,
    "bare": pgbench.run_bare,
    "post": client.post,
    "call": client.call,
    "call by agents": agent.call,
    "evidence": evidence.write,
}


def main() -> None:
    """Do chores until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not end up among the answers
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = {"result": CHORES[asked.pop("chore")](**asked)}
        except Exception as reason:  # noqa: BLE001 - the helper's own door
            told = {"error": f"{type(reason).__name__}: {reason}"}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
