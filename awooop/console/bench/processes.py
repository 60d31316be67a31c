"""The processes a measurement starts: helpers asked over a pipe, and servers at work."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings

from awooop.console import children
from awooop.console.children import Child

STOP_SECONDS = 10
_READY_SECONDS = 30
_OUR_APP = "awooop.asgi:application"


class HelperFailed(Exception):
    """A helper process could not do its chore."""


class Helper:
    """A process that does chores (:mod:`awooop.console.bench.chores`), one at a time."""

    def __init__(self) -> None:
        """Start the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "awooop.console.bench.chores"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            text=True,
        )

    def ask(self, chore: str, **given: Any) -> None:
        """Begin a chore."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"chore": chore, **given}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the chore's result.

        :raises HelperFailed: it has none.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told = json.loads(line) if line else {"error": "the helper process ended"}
        if "error" in told:
            raise HelperFailed(told["error"])
        return told["result"]

    def do(self, chore: str, **given: Any) -> Any:
        """Do a chore and return its result."""
        self.ask(chore, **given)
        return self.answer()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def helpers(count: int) -> Iterator[list[Helper]]:
    """Start some helpers, ready to be asked, and end them afterwards."""
    started = [Helper() for _ in range(count)]
    try:
        for helper in started:
            helper.ask("nothing")
        for helper in started:
            helper.answer()
        yield started
    finally:
        for helper in started:
            helper.end()


def child(name: str) -> Child:
    """Return one of the processes that `up` starts: what a bench measures is what people run."""
    return next(child for child in children.CHILDREN if child.name == name)


@contextlib.contextmanager
def server(
    arguments: Sequence[str], variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python process for the block; what it says goes to our stderr if it ends by itself."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            cwd=settings.BASE_DIR,
            env={**os.environ, **variables},
        )
        try:
            yield process
        finally:
            if process.poll() is not None:
                said.seek(0)
                sys.stderr.write(said.read().decode(errors="replace")[-3_000:])
            _end(process)


@contextlib.contextmanager
def web(application: str = "", **variables: str) -> Iterator[int]:
    """Serve our web as `up` does, or another application in its place, and give its port."""
    served = child("web")
    arguments = [application if application and w == _OUR_APP else w for w in served.arguments]
    with listening(arguments, {**served.variables, **variables}) as port:
        yield port


@contextlib.contextmanager
def listening(arguments: Sequence[str], variables: Mapping[str, str]) -> Iterator[int]:
    """Run a Python process that listens on ``{port}``, and give that."""
    port = _free_port()
    filled = [word.format(port=port, state="") for word in arguments]
    with server(filled, variables) as process:
        deadline = time.monotonic() + _READY_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(filled)} does not start")
            time.sleep(0.05)
        yield port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def say(line: str) -> None:
    """Tell the person at the terminal how far it has come."""
    print("bench:", line, file=sys.stderr, flush=True)  # noqa: T201 - results have stdout
