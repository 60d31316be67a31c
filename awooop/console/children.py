"""The processes of AwoooP on one machine: the table of them, and one of them at work."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from django.conf import settings

Say = Callable[[str], None]

QUICK_SECONDS = 10  # a child that dies younger than this has not worked
QUICK_DEATHS = 3
LONGEST_PAUSE_SECONDS = 30

# Linux ends the child with its parent, even when that is killed with -9. Done in a fresh process,
# because code between fork and exec in this one could meet a lock another thread holds.
_TETHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]): os.execv(sys.argv[2], sys.argv[2:])
"""


class Failed(Exception):
    """`up` cannot go on; the text is meant for a person."""


@dataclasses.dataclass(frozen=True)
class Child:
    """One process of AwoooP; `{port}`, `{upstream}` and `{state}` are filled in."""

    name: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)


_WEB = "-m uvicorn awooop.asgi:application --host 127.0.0.1 --port {port} --lifespan on"
_WORKER = "-m celery -A awooop worker -P threads -c 4 -l warning --without-gossip --without-mingle"
_UPSTREAM = "-m uvicorn awooop.console.demo_server.app:app --host 127.0.0.1 --port {upstream}"
_BEAT = "-m celery -A awooop beat -l warning --pidfile= -s"

CHILDREN = (
    Child(
        "web",
        (*_WEB.split(), "--no-access-log", "--timeout-graceful-shutdown", "5"),
        {"DATABASE_POOL_SIZE": "16"},
    ),
    Child("worker", tuple(_WORKER.split()), {"DATABASE_CONN_MAX_AGE": "3600"}),
    Child("upstream", (*_UPSTREAM.split(), "--no-access-log", "--log-level", "warning")),
    Child("beat", (*_BEAT.split(), "{state}/beat-schedule")),
)


class Running:
    """A child at work: started, looked after, started again, ended."""

    def __init__(self, child: Child, *, port: int, upstream: int, state: Path, say: Say) -> None:
        """Fill in the child's command line; nothing starts yet."""
        self.name = child.name
        places = {"port": port, "upstream": upstream, "state": state}
        self.arguments = [word.format(**places) for word in child.arguments]
        self.variables = {**child.variables, **os.environ, "PYTHONUNBUFFERED": "1"}
        self.log = state / "log" / f"{child.name}.log"
        self.say = say
        self.quick_deaths = 0
        self.not_before = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, its output going to the end of its log."""
        command = [sys.executable, *self.arguments]
        if sys.platform == "linux":
            command = [sys.executable, "-ISc", _TETHER, str(os.getpid()), *command]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=settings.BASE_DIR,
                env=self.variables,
                start_new_session=True,  # Ctrl-C is ours to pass on, once and in order
            )
        self.since = time.monotonic()

    def tend(self) -> bool:
        """Start the process again when it died.

        :returns: whether a new process was started.
        :raises Failed: it keeps dying.
        """
        now = time.monotonic()
        if self.process is None:
            if now < self.not_before:
                return False
            self.start()
            return True
        code = self.process.poll()
        if code is None:
            return False
        self.process = None
        self.quick_deaths = self.quick_deaths + 1 if now - self.since < QUICK_SECONDS else 0
        how = f"exit {code}" if code >= 0 else signal.Signals(-code).name
        if self.quick_deaths >= QUICK_DEATHS:
            raise Failed(f"{self.name} keeps ending ({how}); {self.log} says:\n{self.tail()}")
        pause = min(LONGEST_PAUSE_SECONDS, 0.5 * 2**self.quick_deaths)
        self.not_before = now + pause
        self.say(f"  ! {self.name} ended ({how}); starting it again in {pause:g} s")
        return False

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-20:])

    def end(self, how: signal.Signals) -> None:
        """Send a signal to the process and all it started."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if how is signal.SIGKILL:
                    os.killpg(self.process.pid, how)
                else:
                    self.process.send_signal(how)
