"""Messages over a child's pipes, one a line, for the SDK's dispatcher to sort."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import anyio
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse

from awooop.errors import Code
from gateway.providers import base, child, messages, wire
from gateway.providers.base import Failed, Target
from gateway.providers.child import Child
from gateway.providers.ears import Ears

_READ = 64 * 1024
_MOST_UNWRITTEN = 1024 * 1024  # to a child that does not read
_PIECE = 256  # bytes of what is no answer, that are listened to as one message
_MOST_NOISE = 100  # lines that are no messages, between two that are


class Lines:
    """A child's stdout as messages; the SDK's read stream.

    :param failure: why there are no more of them, as the calls under way shall be told.
    """

    def __init__(self, pipe: asyncio.StreamReader, ears: Ears) -> None:
        self.failure: tuple[Code, str] | None = None
        self._pipe, self._ears = pipe, ears
        self._buffer = bytearray()
        self._searched = 0
        self._noise = 0

    async def receive(self) -> SessionMessage | Exception:
        while self.failure is None:
            line = await self._line()
            await self._ears.breathe()
            if line is None:
                self._end(Code.UPSTREAM_AWAY, "it has ended")
            elif not line.startswith(b"{"):
                self._hear_noise(line)
            else:
                try:
                    message = await messages.read(line)
                except Failed as reason:
                    self._end(reason.code, "")
                    break
                except ValueError:
                    self._end(Code.UPSTREAM_BROKEN, "it sent what is no JSON-RPC message")
                    break
                self._noise = 0
                if not isinstance(message, JSONRPCResponse | JSONRPCError):
                    await self._ears.breathe(len(line) // _PIECE)
                self._ears.overhear(message)
                if self._ears.wants(message):
                    return SessionMessage(message)
        raise anyio.EndOfStream

    async def _line(self) -> bytes | None:
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > base.MOST_BYTES:
                self._end(Code.UPSTREAM_TOO_LARGE, "")
                return b""
            chunk = await self._pipe.read(_READ)
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end]).strip()
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _hear_noise(self, line: bytes) -> None:
        self._noise += bool(line)
        if self._noise > _MOST_NOISE:
            self._end(Code.UPSTREAM_BROKEN, "it does not speak JSON-RPC")

    def _end(self, code: Code, detail: str) -> None:
        self.failure = self.failure or (code, detail)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self._end(Code.UPSTREAM_AWAY, "the session was closed")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()


class Pen:
    """A child's stdin; the SDK's write stream. A call leaves with its permit."""

    def __init__(self, pipe: asyncio.StreamWriter) -> None:
        self._pipe = pipe

    async def send(self, item: SessionMessage) -> None:
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        is_request = isinstance(item.message, JSONRPCRequest)
        if self._pipe.is_closing():
            raise anyio.BrokenResourceError
        if not is_request and self._pipe.transport.get_write_buffer_size() > _MOST_UNWRITTEN:
            return  # it is not reading; what it misses is not worth waiting for
        if is_request and (permit := wire.PERMIT.get()) is not None:
            permit.check()
        self._pipe.write(line)
        if is_request:
            try:
                await self._pipe.drain()
            except OSError:
                raise anyio.BrokenResourceError from None

    async def aclose(self) -> None:
        self._pipe.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.aclose()


@contextlib.asynccontextmanager
async def opened(target: Target, ears: Ears) -> AsyncIterator[tuple[JSONRPCDispatcher[Any], Lines]]:
    """Start the child and give its dispatcher; end the child after.

    :raises Failed: it cannot be started.
    """
    running: Child = await child.start(target)
    try:
        assert running.process.stdout is not None
        assert running.process.stdin is not None
        lines = Lines(running.process.stdout, ears)
        yield JSONRPCDispatcher(lines, Pen(running.process.stdin)), lines
    finally:
        await running.end()


def failed(lines: Lines) -> Failed:
    """Say why a call got no answer from a child that is through."""
    code, detail = lines.failure or (Code.UPSTREAM_AWAY, "it has ended")
    return Failed(code, detail, sent=True)
