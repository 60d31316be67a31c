"""One bench from the outside: its ground, its measuring process, and the end of both."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from awooop.console.bench import scratch
from awooop.console.bench.processes import say

NAMES = ("runs", "lists", "doors", "audit", "gateway")
_END_SECONDS = 10


class Failed(Exception):
    """A measurement did not come to its end; what it said is on stderr."""


def perform(names: Sequence[str], *, seconds: float, rows: int) -> dict[str, Any]:
    """Measure each name on a ground of its own and return what they found.

    :raises Failed: a measurement failed.
    :raises Unfit: the servers cannot hold a bench.
    """
    found = {}
    for name in names:
        say(f"{name}: migrating a scratch database")
        with scratch.ground() as environment:
            found[name] = _measure(name, environment, seconds=seconds, rows=rows)
    return found


def _measure(
    name: str, environment: dict[str, str], *, seconds: float, rows: int
) -> dict[str, Any]:
    command = [sys.executable, "-m", "awooop.console.bench", name, str(seconds), str(rows)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=settings.BASE_DIR,
        start_new_session=True,  # Ctrl-C is ours to pass on, before the database is dropped
    )
    assert process.stdout is not None
    try:
        answer = process.stdout.read()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        raise
    finally:
        _end_group(process)
    if process.returncode:
        raise Failed(f"{name} failed (exit {process.returncode})")
    told: dict[str, Any] = json.loads(answer)
    return told


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what the measurement started and did not end itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
