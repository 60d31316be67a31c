"""Everything on one machine: what `up` starts, watches and stops, a line a stage."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from awooop import embedded
from awooop.console import demo, rehearsal
from awooop.console.children import CHILDREN, Failed, Running, Say
from awooop.errors import AwoooPError, Code
from gateway import hub, registry

READY_SECONDS = 60
STOP_SECONDS = 10
LOOK_SECONDS = 0.2


class _Asked(BaseException):
    """Somebody wants it to end: Ctrl-C, a closed terminal, a service manager."""


class House:
    """One `up`: the servers, the children and the file that tells others about them."""

    def __init__(self, stack: embedded.Stack, *, port: int, say: Say) -> None:
        """Name the parts; nothing starts yet."""
        self.stack = stack
        self.url = f"http://127.0.0.1:{port}"
        self.say = say
        self.is_ready = False
        upstream = upstream_port(stack)
        self.upstream = f"http://127.0.0.1:{upstream}"
        self.children = [
            Running(child, port=port, upstream=upstream, state=stack.state_dir, say=say)
            for child in CHILDREN
        ]

    def start(self) -> dict[str, str]:
        """Start everything, a line a stage.

        :returns: the credentials of the demo.
        :raises Failed: something does not start.
        """
        if self.stack.servers:
            with stage("servers", self.say):
                self.stack.up()
        with stage("migrations", self.say):
            call_command("migrate", database="owner", verbosity=0)
        with stage("demo tenants", self.say):
            known = read_json(credentials_file(self.stack))
            credentials = demo.seed(known=known or None, upstream=self.upstream)
            embedded.write_private(credentials_file(self.stack), json.dumps(credentials))
        connections.close_all()
        with stage(", ".join(child.name for child in self.children), self.say):
            for child in self.children:
                if child.log.exists():
                    child.log.replace(child.log.with_suffix(".log.old"))
                child.start()
            self.tell()
            self._await_web()
        with stage("demo tools", self.say):
            self._list_tools()
        self.is_ready = True
        self.tell()
        return credentials

    def watch(self) -> None:
        """Look after everything until somebody ends it.

        :raises Failed: a child keeps dying.
        """
        while True:
            time.sleep(LOOK_SECONDS)
            self._tend()
            for name in self.stack.crashed():
                self.say(f"  ! {name} crashed; starting it again")
                self.stack.up()

    def stop(self) -> None:
        """End the children, gently at first, then the servers."""
        for child in self.children:
            child.end(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            if child.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, deadline - time.monotonic()))
                child.end(signal.SIGKILL)
                child.process.wait()
        self.stack.down()
        notice_file(self.stack).unlink(missing_ok=True)

    def tell(self) -> None:
        """Write down what runs: for a second `up`, for `down`, for the next one after a crash."""
        children = {
            str(child.process.pid): child.arguments
            for child in self.children
            if child.process is not None
        }
        notice = {"pid": os.getpid(), "url": self.url, "ready": self.is_ready, "children": children}
        embedded.write_private(notice_file(self.stack), json.dumps(notice))

    def _tend(self) -> None:
        started = [child.tend() for child in self.children]
        if any(started):
            self.tell()

    def _await_web(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not rehearsal.is_ready(self.url):
            if time.monotonic() > deadline:
                web = self.children[0]
                raise Failed(f"the web is not ready; {web.log} says:\n{web.tail()}")
            time.sleep(LOOK_SECONDS / 4)
            self._tend()

    def _list_tools(self) -> None:
        """Have the demo's tools listed now: the clock would take its minute."""
        for project_id, (_, part) in demo.PROJECTS.items():
            deadline = time.monotonic() + READY_SECONDS
            while self._is_away(project_id, part.gateway_id) and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS / 2)
                self._tend()
        hub.the().forget()
        connections.close_all()

    def _is_away(self, project_id: str, gateway_id: str) -> bool:
        try:
            told = registry.refresh(project_id, gateway_id, actor="up", at=timezone.now())
        except AwoooPError:  # somebody took the contract away: the demo is theirs now
            return False
        return told.error is Code.UPSTREAM_AWAY


def up(*, port: int, check: bool, say: Say) -> None:
    """Run everything until somebody ends it, or with ``check`` until one event went through.

    :raises Failed: with what to do about it.
    """
    stack = embedded.from_environment(settings.BASE_DIR)
    stack.prepare()
    with alone(stack) as first:
        if not first:
            _join(stack, check=check, say=say)
            return
        _end_leftovers(stack)
        _require_port(port)
        house = House(stack, port=port, say=say)
        house.tell()
        try:
            with _signals():
                credentials = house.start()
                if check:
                    rehearsal.perform(house.url, credentials["key:awoooi"], say=say)
                else:
                    say(welcome(stack, house.url, credentials, "AwoooP is up."))
                    house.watch()
        except _Asked:
            if check:
                raise Failed("interrupted before the event went through") from None
        except rehearsal.Failed as reason:
            raise Failed(f"{reason}\nThe logs are in {stack.log_dir}") from None
        finally:
            house.stop()
            say("Stopped.")


def down(*, say: Say) -> None:
    """Stop a running `up` and the embedded servers."""
    stack = embedded.from_environment(settings.BASE_DIR)
    if not stack.state_dir.exists():
        return
    asked: set[int] = set()
    while True:
        with alone(stack) as first:
            if first:
                stack.down()
                break
        pid = other(stack).get("pid")
        if pid and pid not in asked:
            asked.add(pid)
            os.kill(pid, signal.SIGTERM)
        time.sleep(LOOK_SECONDS)
    say("Stopped.")


@contextlib.contextmanager
def alone(stack: embedded.Stack) -> Iterator[bool]:
    """Whether no other `up` runs here; while inside, none can start."""
    stack.prepare()
    with lock_file(stack).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield True


def other(stack: embedded.Stack) -> dict[str, Any]:
    """What the `up` that holds the lock says of itself; nothing while it is too young to say."""
    notice = read_json(notice_file(stack))
    return notice if str(notice.get("pid")) == lock_file(stack).read_text() else {}


@contextlib.contextmanager
def stage(name: str, say: Say) -> Iterator[None]:
    """Tell how long something took, once it is done."""
    begin = time.monotonic()
    yield
    say(f"  ✓ {name:<24}{time.monotonic() - begin:5.1f} s")


def welcome(stack: embedded.Stack, url: str, credentials: Mapping[str, str], title: str) -> str:
    """What a newcomer needs: where, who, with which keys, and how it ends."""
    lines = [
        ("Console", f"{url}/"),
        ("MCP", f"{url}/mcp/awoooi/ and {url}/mcp/ewoooc/"),
        ("Login", f"{credentials['operator']}  {credentials['password']}"),
        *((f"Key {tenant}", credentials[f"key:{tenant}"]) for tenant in ("awoooi", "ewoooc")),
        ("Logs", str(stack.log_dir)),
        ("Stop", "Ctrl-C here, or `python3 manage.py down` anywhere"),
    ]
    return "\n".join(["", title, "", *(f"  {what:<12}{value}" for what, value in lines), ""])


def upstream_port(stack: embedded.Stack) -> int:
    """Return a free port for the demo's servers: that of the last start, if it is still free."""
    kept = stack.state_dir / "upstream.port"
    wished = int(kept.read_text()) if kept.exists() else 0
    for port in (wished, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            kept.write_text(str(found))
            return found
    raise Failed("no port of 127.0.0.1 is free for the demo's servers")


def credentials_file(stack: embedded.Stack) -> Path:
    """Where the demo's credentials are kept, so that they stay the same."""
    return stack.state_dir / "credentials.json"


def lock_file(stack: embedded.Stack) -> Path:
    """What a running `up` holds, and its pid."""
    return stack.state_dir / "up.lock"


def notice_file(stack: embedded.Stack) -> Path:
    """Where a running `up` says what it runs."""
    return stack.state_dir / "up.json"


def read_json(path: Path) -> dict[str, Any]:
    """A small file of ours; nothing when it is missing or torn."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _join(stack: embedded.Stack, *, check: bool, say: Say) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not (notice := other(stack)).get("ready"):
        with alone(stack) as first:
            if first:
                raise Failed("the other `up` ended before it was ready; its terminal says why")
        if time.monotonic() > deadline:
            raise Failed("another `up` is starting here and does not get ready")
        time.sleep(LOOK_SECONDS)
    credentials = read_json(credentials_file(stack))
    if not check:
        say(welcome(stack, notice["url"], credentials, "AwoooP is already up."))
        return
    try:
        rehearsal.perform(notice["url"], credentials["key:awoooi"], say=say)
    except rehearsal.Failed as reason:
        raise Failed(f"{reason}\nThe logs are in {stack.log_dir}") from None


def _end_leftovers(stack: embedded.Stack) -> None:
    """Children of an `up` that was killed, on systems that do not end them with it."""
    for pid, arguments in read_json(notice_file(stack)).get("children", {}).items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(pid))
            if process.cmdline()[1:] == arguments:
                process.kill()
                process.wait(STOP_SECONDS)


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as reason:
            raise Failed(
                f"port {port} cannot be used ({reason.strerror}): another program may have it; "
                f"try `up --port {port + 1 if 1024 <= port < 65_535 else 8001}`"
            ) from None


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Turn the first request to end into an exception; later ones find us ending already."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means it
        wanted.append(signal.SIGHUP)

    def ask(number: int, frame: FrameType | None) -> None:
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
        raise _Asked

    for each in wanted:
        signal.signal(each, ask)
    try:
        yield
    finally:
        for each in wanted:
            signal.signal(each, signal.SIG_IGN)
