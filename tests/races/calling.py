"""A process that calls tools: ``python -m tests.races.calling``; reads JSON lines, answers each.

``{"calls": [...], "threads": n}`` makes each call once, all threads at the same moment.
``{"flood": [...], "threads": n}`` makes them again and again until the next line comes.
"""

import json
import os
import sys
import threading
from collections import Counter
from typing import Any
from uuid import UUID

import django

django.setup()

from django.db import connections  # noqa: E402 - models need the apps

from gateway import calls  # noqa: E402
from gateway.shapes import Call  # noqa: E402


def call(asked: dict[str, Any]) -> str:
    """Make a call; say its code, or its status when it has none."""
    of_run = {"run_id": UUID(asked["run_id"])} if "run_id" in asked else {}
    try:
        result = calls.call_tool(Call(**{**asked, **of_run}))
    finally:
        connections.close_all()
    return result.code.value if result.code else result.status.value


def once(every: list[dict[str, Any]], threads: int) -> dict[str, int]:
    said: Counter[str] = Counter()
    start = threading.Barrier(threads)

    def work(number: int) -> None:
        start.wait()
        for asked in every[number::threads]:
            said[call(asked)] += 1

    for thread in (pool := [threading.Thread(target=work, args=(n,)) for n in range(threads)]):
        thread.start()
    for thread in pool:
        thread.join()
    return dict(said)


def flood(every: list[dict[str, Any]], threads: int) -> dict[str, int]:
    said: Counter[str] = Counter()
    over = threading.Event()

    def work(number: int) -> None:
        turn = 0
        while not over.is_set():
            asked = every[(number + turn) % len(every)]
            mark = {"who": f"{os.getpid()}.{number}.{turn}"}
            name = asked["tool"].partition("__")[0]
            said[f"{name} {call({**asked, 'arguments': {**asked['arguments'], **mark}})}"] += 1
            turn += 1

    for thread in (pool := [threading.Thread(target=work, args=(n,)) for n in range(threads)]):
        thread.start()
    sys.stdin.readline()
    over.set()
    for thread in pool:
        thread.join()
    return dict(said)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not end up among the answers
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        threads = asked.pop("threads", 1)
        ((kind, every),) = asked.items()
        told = once(every, threads) if kind == "calls" else flood(every, threads)
        print(json.dumps(told), file=answers, flush=True)


main()
