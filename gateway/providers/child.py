"""A server that is a child of ours: its own group, a bare environment, ended with the group."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from pathlib import Path

from awooop.errors import Code
from gateway.providers.base import Failed, Target

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GRACE_SECONDS = 0.5  # between asking and insisting
_MOST_SWEEPS = 5  # whoever is ended may just have started another

_children: set["Child"] = set()


class Child:
    """One process, and a directory that is its alone. What it says on stderr is not kept."""

    def __init__(self, process: Process, home: str) -> None:
        self.process = process
        self._home = home
        self._owner = os.getpid()
        _children.add(self)

    async def end(self) -> None:
        """Ask it to go, then insist; with it goes whatever it has started."""
        try:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_SECONDS):
                    await self.process.wait()
        finally:
            self.kill()
        await self.process.wait()
        await asyncio.to_thread(self.clear)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)
        _children.discard(self)

    def clear(self) -> None:
        """End what it has put outside of its group, and remove its directory."""
        if os.getpid() != self._owner:
            return
        for _ in range(_MOST_SWEEPS):
            left = list(_at_home(self._home))
            for number in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)
            if not left:
                break
        shutil.rmtree(self._home, ignore_errors=True)

    def _signal(self, number: int) -> None:
        if os.getpid() == self._owner:  # a fork of ours has no say over it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


async def start(target: Target) -> Child:
    """Start a target's command.

    :raises Failed: it cannot be started.
    """
    home = tempfile.mkdtemp(prefix="gateway-")
    environment = {"PATH": _PATH, "HOME": home, "LANG": "C.UTF-8"}
    environment |= {name: secret.reveal() for name, secret in target.secrets.items()}
    try:
        process = await asyncio.create_subprocess_exec(
            *target.transport["command"],
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=home,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as reason:  # ValueError: a NUL in an argument or a secret
        shutil.rmtree(home, ignore_errors=True)
        detail = f"its command cannot be started: {type(reason).__name__}"
        raise Failed(Code.UPSTREAM_AWAY, detail, sent=False) from None
    return Child(process, home)


def kill_all() -> None:
    """End every child of this process, at its exit."""
    for child in list(_children):
        child.kill()
        child.clear()


def _at_home(home: str) -> Iterator[int]:
    """Yield the processes that were given a home, where the system tells; no two are alike."""
    mark = f"HOME={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)
