"""One command on a host: its bounded output, and how it ended."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

import asyncssh

from awooop.errors import Code
from gateway.providers.base import MOST_BYTES, Failed, Permit

KEPT = MOST_BYTES // 16  # of each stream: spelled as JSON, one byte may become six


class Tail:
    """The last bytes of a stream."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._parts, self._size = most, deque[bytes](), 0
        self.is_cut = False

    def add(self, part: bytes) -> None:
        """Take more, and let go of the oldest."""
        self._parts.append(part)
        self._size += len(part)
        while self._size - len(self._parts[0]) >= self._most:
            self._size -= len(self._parts.popleft())
            self.is_cut = True

    def bytes(self) -> bytes:
        """Return what is left."""
        whole = b"".join(self._parts)
        self.is_cut = self.is_cut or len(whole) > self._most
        return whole[-self._most :]

    def text(self) -> str:
        """Return what is left, with a mark where it was cut."""
        left = self.bytes().decode(errors="replace")
        return f"…cut\n{left}" if self.is_cut else left


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: by itself, or by a signal."""

    out: Tail
    err: Tail
    status: int | None
    signal: str | None


class _Session(asyncssh.SSHClientSession[bytes]):
    def __init__(self, permit: Permit | None) -> None:
        self._permit = permit
        self.channel: Any = None
        self.sent = self.is_over = False
        self.out, self.err = Tail(), Tail()
        self.done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: Any) -> None:
        self.channel = chan
        if self.is_over:
            raise Failed(Code.UPSTREAM_BUSY, sent=False)
        if self._permit is not None:
            self._permit.check()  # the host has opened a channel; the command goes out next
        self.sent = True

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        (self.out if datatype is None else self.err).add(data)

    def eof_received(self) -> bool:
        return True  # the exit status may come after

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(exc)


async def run(connection: asyncssh.SSHClientConnection, line: str, permit: Permit | None) -> Ended:
    """Have a host run a command, once; cancelling closes its channel.

    :param permit: None when it was checked before, for an earlier command of the same call.
    :raises Failed: the permit has run out, or nobody knows how the command ended.
    """
    session = _Session(permit)
    opening = asyncio.create_task(_opened(connection, session, line))
    try:
        # Shielded: a channel that the host opens after all must still be closed.
        await asyncio.shield(opening)
        lost = await session.done
    except asyncssh.ChannelOpenError as refusal:
        if connection.is_closed() or refusal.code == asyncssh.OPEN_CONNECT_FAILED:
            raise Failed(Code.UPSTREAM_AWAY, sent=session.sent) from None
        if session.sent:
            raise Failed(Code.UPSTREAM_BROKEN, "it runs no commands", sent=True) from None
        detail = f"the host opens no channel ({refusal.code})"
        raise Failed(Code.UPSTREAM_BUSY, detail, sent=False) from None
    except (asyncssh.Error, OSError):
        raise Failed(Code.UPSTREAM_AWAY, sent=session.sent) from None
    finally:
        session.is_over = True
        session.close()
        opening.add_done_callback(lambda task: task.cancelled() or task.exception())
    status, signal = session.channel.get_exit_status(), session.channel.get_exit_signal()
    if lost is not None or (status is None and signal is None):
        raise Failed(Code.UPSTREAM_AWAY, "the host did not say how it ended", sent=True)
    named = str(signal[0])[:40] if signal else None
    return Ended(session.out, session.err, None if named else status, named)


async def _opened(connection: asyncssh.SSHClientConnection, session: _Session, line: str) -> None:
    try:
        channel, _ = await connection.create_session(lambda: session, line, encoding=None)
        channel.write_eof()
    except BaseException:
        session.close()
        raise
