"""Connections of the HTTP transport: to checked addresses only, leaving only with a permit.

What httpcore writes is held until it wants to read: the whole request goes out at once, and the
permit is judged directly before, however long the connection took to make.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpcore2

from awooop.errors import Code
from gateway.providers import addresses, base
from gateway.providers.base import Failed, Permit

_HIGH_WATER = 64 * 1024
_BITE = 16 * 1024  # taken apart at a time, before the neighbours have their turn
_MOST_HEAD = 64 * 1024
_CONNECT_SECONDS = 10.0  # to one address of several


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as their connection sees them.

    :param permit: judged before the request leaves; None for what only prepares a call.
    :param left: whether bytes of the request may have gone out.
    :param ended: whether the other side closed before it was through.
    :param has_head: whether the answer's head is through; its body is then to come.
    :param received: bytes as they came over the wire, the packing with them.
    """

    permit: Permit | None = None
    left: bool = False
    ended: bool = False
    has_head: bool = False
    received: int = 0

    def leave(self) -> None:
        """Judge the permit, directly before the first byte."""
        if self.permit is not None and not self.left:
            self.permit.check()
        self.left = True

    def receive(self, size: int) -> None:
        """Count what came.

        :raises Failed: it is more than an answer may be.
        """
        self.ended = size == 0
        self.received += size
        if not self.has_head and self.received > _MOST_HEAD:
            raise Failed(Code.UPSTREAM_BROKEN, "its answer has no end of headers", sent=True)
        if self.received > 2 * base.MOST_BYTES:  # packed in pieces smaller than their wrapping
            raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)


PERMIT: ContextVar[Permit | None] = ContextVar("gateway_permit", default=None)
EXCHANGE: ContextVar[Exchange | None] = ContextVar("gateway_exchange", default=None)


class _Pipe(asyncio.Protocol):
    """Bytes as they come, no more than a few at once."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.buffer = bytearray()
        self.closed = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > _HIGH_WATER:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.closed = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    async def drained(self) -> None:
        if self._writable is not None:
            await self._writable

    async def read(self, most: int) -> bytes:
        if self.buffer:
            await asyncio.sleep(0)
        elif not self.closed:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        taken = bytes(self.buffer[:most])
        del self.buffer[:most]
        if not self.closed and len(self.buffer) <= _HIGH_WATER:
            self.transport.resume_reading()
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Stream(httpcore2.AsyncNetworkStream):
    """One connection; plain until TLS is asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pipe: _Pipe | None = None
        self._held = bytearray()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        await self._open(ssl=ssl_context, server_hostname=server_hostname)
        return self

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held += buffer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = EXCHANGE.get()
        pipe = self._pipe or await self._open()
        if self._held:
            if exchange is not None:
                exchange.leave()
            held, self._held = bytes(self._held), bytearray()
            if pipe.closed:
                raise httpcore2.WriteError("the connection was closed")
            pipe.transport.write(held)
            await pipe.drained()
        data = await pipe.read(min(max_bytes, _BITE))
        if exchange is not None:
            exchange.receive(len(data))
        return data

    async def aclose(self) -> None:
        if self._pipe is None:
            self._sock.close()
        else:
            self._pipe.transport.abort()  # nothing of ours is worth waiting for

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # an idle connection that says something is of no more use
            return self._pipe is not None and (self._pipe.closed or bool(self._pipe.buffer))
        return None

    async def _open(self, **tls: Any) -> _Pipe:
        loop = asyncio.get_running_loop()
        try:
            _, pipe = await loop.create_connection(_Pipe, sock=self._sock, **tls)
        except (OSError, ssl.SSLError) as reason:  # SSLError is an OSError; named for the reader
            self._sock.close()
            raise httpcore2.ConnectError(type(reason).__name__) from None
        except BaseException:
            self._sock.close()
            raise
        self._pipe = pipe
        return pipe


class Backend(httpcore2.AsyncNetworkBackend):
    """Makes connections to what an address rule allows."""

    def __init__(self, private: tuple[str, ...]) -> None:
        self._private = private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        reason: OSError | None = None
        for address in await addresses.resolve(host, port, self._private):
            try:
                return Stream(await _connect(address, port))
            except OSError as away:
                reason = away
        raise httpcore2.ConnectError(type(reason).__name__)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(_CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


@lru_cache(1)
def tls() -> ssl.SSLContext:
    """Return what verifies servers: the system's authorities."""
    return ssl.create_default_context()
