"""The pytest plugin that raises the embedded servers of the tests, and lets them down at the end.

Loaded by `-p tests.boot`, which comes before pytest-django reads the settings: the addresses are
decided when this module is imported, the servers start with the session. They have a state
directory of their own, apart from the one a developer looks at. Sessions that overlap share them;
the last one to leave stops them, unless they ran before the first.

What is compiled is kept, whatever the environment says: each of the processes that tests start
would compile the product anew, and each session all the tests. All of them begin in `tests/start`.
"""

import contextlib
import fcntl
import os
import sys
from pathlib import Path
from typing import IO

import pytest

from awooop import embedded

HERE = Path(__file__).resolve().parent.parent
IS_XDIST_WORKER = "PYTEST_XDIST_WORKER" in os.environ  # the controller has done all of it


def _test_stack() -> embedded.Stack:
    own = embedded.from_environment(HERE)
    return embedded.Stack(HERE, own.state_dir / "test", durable=False, servers=tuple(own.servers))


class Boot:
    """One session's use of the test servers."""

    def __init__(self, stack: embedded.Stack) -> None:
        """Point settings at the test servers; nothing starts yet."""
        self.stack = stack
        self.seat: IO[str] | None = None
        os.environ["AWOOOP_STATE_DIR"] = str(stack.state_dir)

    @property
    def _started_by_tests(self) -> Path:
        return self.stack.state_dir / "started-by-tests"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Raise the servers before the first fixture, and before xdist starts its workers."""
        self.stack.prepare()
        self.stack.ensure_secret_key()
        self.seat = (self.stack.state_dir / "sessions").open("w")
        fcntl.flock(self.seat, fcntl.LOCK_SH)
        if not self.stack.alive():
            self._started_by_tests.touch()
            self.stack.up()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Leave; the last session out stops what a session started."""
        if self.seat is None:
            return
        with self.seat, contextlib.suppress(BlockingIOError):
            fcntl.flock(self.seat, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._started_by_tests.exists():
                self.stack.down()
                self._started_by_tests.unlink()


def pytest_configure(config: pytest.Config) -> None:
    """Take part in the session."""
    if _boot is not None:
        config.pluginmanager.register(_boot, "awooop-boot")


os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
if not IS_XDIST_WORKER:
    _paths = [str(HERE / "tests" / "start"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _paths))

_stack = None if IS_XDIST_WORKER else _test_stack()
_boot = Boot(_stack) if _stack and _stack.servers else None
