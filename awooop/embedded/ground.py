"""What both servers stand on: wheels, private directories, and processes told apart."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

ANSWER_SECONDS = 10  # a busy machine is slow; only a refused connection means "down" at once
STOP_SECONDS = 20
ORPHAN_SECONDS = 5


class EmbeddedError(RuntimeError):
    """An embedded server cannot do what was asked; the text is meant for a person."""


def wheel(module: str) -> Path:
    """Where an installed package lives, without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"the embedded servers need the package {module!r}, which is not installed here; "
            "install requirements.lock, or point DATABASE_URL and REDIS_URL at servers of your own"
        )
    return Path(spec.submodule_search_locations[0])


def reachable(path: Path) -> bool:
    """Whether any user may walk to a path (the parts that exist already)."""
    steps = [step for step in (path, *path.parents) if step.is_dir()]
    return all(step.stat().st_mode & stat.S_IXOTH for step in steps)


def private_dir(path: Path, *, owner: tuple[int, int] | None = None, mode: int = 0o700) -> None:
    """Make or verify a directory of ours; somebody else's is refused, never adopted."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    wanted = os.geteuid() if owner is None else owner[0]
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (wanted, os.geteuid()):
        raise EmbeddedError(
            f"{path} is not a directory of this user (but user {found.st_uid}'s, or no "
            "directory); run as its owner, or name another AWOOOP_STATE_DIR"
        )
    if owner is not None and found.st_uid != wanted:
        os.chown(path, *owner)
    path.chmod(mode)


def _works_in(process: psutil.Process, directory: Path, name: str) -> bool:
    import psutil

    try:  # a zombie has no working directory: it is rightly nobody
        return process.name() == name and Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False


def _workers(directory: Path, name: str) -> list[psutil.Process]:
    """Living processes of a server.

    Both servers change to their data directory. That identifies them where a pid file may be stale,
    its number reused, and its owner a zombie nobody reaps.
    """
    import psutil

    return [process for process in psutil.process_iter() if _works_in(process, directory, name)]


def pid_in(path: Path, directory: Path, name: str) -> int | None:
    """The pid in a pid file, if it is alive and really the server of that directory."""
    import psutil

    try:
        pid = int(path.read_text().split("\n", 1)[0])
        return pid if _works_in(psutil.Process(pid), directory, name) else None
    except (OSError, ValueError, psutil.Error):
        return None


def end(directory: Path, name: str, *, pid: int | None, gently: signal.Signals) -> None:
    """Ask the main process to end, wait, and kill what is left of it."""
    import psutil

    remaining = _workers(directory, name)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, gently)
    deadline = time.monotonic() + (ORPHAN_SECONDS if pid is None else STOP_SECONDS)
    while remaining:
        if time.monotonic() > deadline:
            for process in remaining:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.02)
        remaining = [process for process in remaining if _works_in(process, directory, name)]


def wait(answers: Callable[[], bool], *, seconds: float) -> bool:
    """Ask until the answer is yes; no when the time is over."""
    deadline = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
