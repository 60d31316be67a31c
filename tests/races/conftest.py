"""What the gateway's races share: a counting upstream behind a relay, and processes that call."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from awooop.tenants.modes import Mode
from gateway.shapes import Call
from tests.conftest import NewTenant
from tests.gateway.governed import Governed
from tests.gateway.upstreams import good
from tests.races import relay as relays
from tests.races.relay import Relay


@dataclass
class Caller:
    """A process of its own that calls tools; see :mod:`tests.races.calling`."""

    process: subprocess.Popen[str]

    def ask(self, threads: int = 1, **asked: list[Call]) -> None:
        told = {kind: [_plain(each) for each in every] for kind, every in asked.items()}
        self._say(json.dumps({**told, "threads": threads}))

    def warm(self, store: Governed) -> None:
        """Have its session with the upstream opened."""
        self.ask(calls=[store.call("slow", {"seconds": 0})])
        assert self.answer() == {"success": 1}

    def stop(self) -> None:
        """End a flood."""
        self._say("")

    def answer(self) -> dict[str, int]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the caller ended"
        found: dict[str, int] = json.loads(line)
        return found

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def _plain(call: Call) -> dict[str, Any]:
    # Each call has an id of its own, made where it is called.
    told = {k: v for k, v in asdict(call).items() if v is not None and k != "call_id"}
    return told | ({"run_id": str(call.run_id)} if call.run_id else {})


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """A real MCP server in a process of its own, behind a relay that counts."""
    (tmp_path / "log").touch()
    command = [sys.executable, good.__file__, "http", str(tmp_path / "log")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with relays.before(process.stdout.readline().strip()) as made:
            yield made
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def logged(relay: Relay, tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """What the upstream itself says that it was asked to write."""

    def read() -> list[dict[str, Any]]:
        lines = map(json.loads, (tmp_path / "log").read_text().splitlines())
        return [line for line in lines if line["tool"] == "echo"]

    return read


@pytest.fixture
def store(new_tenant: NewTenant, relay: Relay) -> Governed:
    """An active project; ``slow`` reads, ``echo`` is declared to write and needs no human."""
    tenant = new_tenant("store", Mode.SHADOW)
    made = Governed("store", tenant.agent_id, relay.url)
    tools = good.Upstream().tools
    made.offer("slow", tools["slow"].definition)
    made.offer("echo", tools["echo"].definition, is_destructive=True, scope="write")
    made.sign(concurrent_calls=100)
    made.go(Mode.ACTIVE)
    return made


@pytest.fixture
def callers(process_env: dict[str, str]) -> Iterator[Callable[[int], list[Caller]]]:
    """A maker of processes that call tools."""
    variables = {"DJANGO_SETTINGS_MODULE": "awooop.settings", "DATABASE_POOL_SIZE": "16"}
    started: list[Caller] = []

    def start(count: int) -> list[Caller]:
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.races.calling"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=settings.BASE_DIR,
                env={**process_env, **variables},
            )
            started.append(Caller(process))
        for caller in started:
            assert caller.process.stdout is not None
            assert caller.process.stdout.readline() == "ready\n"
        return started

    yield start
    for caller in started:
        with contextlib.suppress(ProcessLookupError):
            caller.kill()
        caller.process.communicate()
