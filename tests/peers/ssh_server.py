"""A host in small: a real SSH server that runs nothing, and keeps what it was told to run."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh


@dataclass
class Said:
    """What a command answers.

    :param then: ``exit``, or ``hang`` (after ``started`` is set), ``die`` (the connection is cut),
        ``vanish`` (the channel closes without a status), ``signal`` or ``flood``.
    """

    out: str | bytes = ""
    err: str | bytes = ""
    status: int = 0
    then: str = "exit"


@dataclass
class Host:
    """The host; a test changes it at will.

    :param said: by what a command's line contains; the first that fits.
    :param lines: every command as it arrived, in order.
    :param logins: how many connections were let in.
    """

    client_key: str
    fingerprint: str
    port: int = 0
    said: dict[str, Said] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    logins: int = 0
    started: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    open_delay: float = 0.0
    most_channels: int = 100
    requests: list[str] = field(default_factory=list)

    def contract(self, name: str = "web", user: str = "deploy") -> dict[str, Any]:
        """Return this host as a gateway contract names it."""
        where = {"name": name, "address": "127.0.0.1", "port": self.port, "user": user}
        return {**where, "host_key_sha256": self.fingerprint}


class _Server(asyncssh.SSHServer):
    def __init__(self, host: Host) -> None:
        self.host = host

    def connection_made(self, conn: Any) -> None:
        self.connection = conn

    def auth_completed(self) -> None:
        self.host.logins += 1

    def connection_requested(self, *_: Any) -> bool:
        self.host.requests.append("forwarding")
        return False

    async def session_requested(self) -> Any:
        await asyncio.sleep(self.host.open_delay)
        if self.host.most_channels <= 0:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "full")
        return _Session(self.host, self.connection)


class _Session(asyncssh.SSHServerSession):
    def __init__(self, host: Host, connection: Any) -> None:
        self.host, self.connection = host, connection

    def connection_made(self, chan: Any) -> None:
        self.chan = chan

    def pty_requested(self, *_: Any) -> bool:
        self.host.requests.append("pty")
        return False

    def shell_requested(self) -> bool:
        self.host.requests.append("shell")
        return False

    def exec_requested(self, command: str) -> bool:
        self.host.lines.append(command)
        self.command = command
        self.host.requests += [f"env {name}" for name in self.chan.get_environment()]
        return True

    def session_started(self) -> None:
        said = next((each for part, each in self.host.said.items() if part in self.command), Said())
        self.chan.write(_bytes(said.out))
        self.chan.write_stderr(_bytes(said.err))
        self.host.started.set()
        match said.then:
            case "exit":
                self.chan.exit(said.status)
            case "signal":
                self.chan.exit_with_signal("KILL")
            case "vanish":
                self.chan.close()
            case "die":
                self.connection.abort()
            case "flood":
                self.left = 400
                self.resume_writing()

    def resume_writing(self) -> None:
        while getattr(self, "left", 0):
            self.left -= 1
            self.chan.write(b"x" * 32_767 + b"\n")
        if hasattr(self, "left"):
            self.chan.write(b"the end\n")
            self.chan.exit(0)
            del self.left

    def eof_received(self) -> bool:
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.host.closed.set()


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@contextmanager
def serving(kinds: Sequence[str] = ("ssh-ed25519",)) -> Iterator[Host]:
    """Serve a host on a port of its own, with a key of each kind; the first one is its name."""
    keys = [asyncssh.generate_private_key(kind) for kind in kinds]
    client = asyncssh.generate_private_key("ssh-ed25519")
    host = Host(client.export_private_key().decode(), keys[0].get_fingerprint("sha256"))
    public = client.export_public_key().decode()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(host),
            server_host_keys=keys,
            authorized_client_keys=asyncssh.import_authorized_keys(public),
            encoding=None,
            config=None,
        )

    async def stop() -> None:
        acceptor.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    try:
        acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
        host.port = acceptor.get_port()
        yield host
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
