"""Connections of the HTTP transport: to checked addresses only, leaving only with a permit.

A request is written at once, and the permit is judged directly before, however long the connection
took to make. An answer is parsed strictly, as it comes; what comes faster than it is read waits,
and is then taken in bites between which the neighbours have their turn.
"""

import asyncio
import socket
import ssl
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httptools

from awooop.errors import Code
from gateway.providers import addresses, base
from gateway.providers.base import Failed, Permit

_HIGH_WATER = 64 * 1024
_BITE = 16 * 1024
_MOST_HEAD = 64 * 1024
_MOST_HEADERS = 256
_FEW = 8  # pieces of an answer that are parsed on arrival, before its reader has asked for them
_JSON = b"application/json"
_INTERIM = (100, 102, 103)
_CONNECT_SECONDS = 10.0  # to one address of several

PERMIT: ContextVar[Permit | None] = ContextVar("gateway_permit", default=None)


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as their connection sees them.

    :param permit: judged before the request leaves; None for what only prepares a call.
    :param left: whether bytes of the request may have gone out.
    :param has_head: whether the answer's head is through; its body is then to come.
    :param body: what came of the body and was not taken yet.
    :param is_whole: whether nothing more is to come.
    :param failure: why nothing more will be read.
    """

    permit: Permit | None = None
    left: bool = False
    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    has_head: bool = False
    body: list[bytes] = field(default_factory=list)
    is_whole: bool = False
    failure: Failed | None = None

    def leave(self) -> None:
        """Judge the permit, directly before the first byte."""
        if self.permit is not None and not self.left:
            self.permit.check()
        self.left = True


class Line(asyncio.Protocol):
    """One connection, for one exchange at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._held = bytearray()
        self._is_over = self._is_lost = False
        self._begin()

    @property
    def is_free(self) -> bool:
        """Whether it can carry another exchange."""
        return self._exchange is None and not self._is_over

    @property
    def is_ending(self) -> bool:
        """Whether only the end of an answer is to come before it can carry another exchange."""
        exchange = self._exchange
        if exchange is None or self._is_over or not self._stays or exchange.is_whole:
            return False
        return exchange.failure is None

    def send(self, request: bytes, exchange: Exchange) -> None:
        """Let a request go.

        :raises Failed: it may not, or the other side has hung up; nothing was sent.
        """
        if self._is_over:
            raise Failed(Code.UPSTREAM_AWAY, "it closed the connection", sent=False)
        exchange.leave()
        self._begin()
        self._exchange = exchange
        self._transport.write(request)

    async def hear(self) -> None:
        """Wait for more of the answer, and put it into the exchange."""
        if self._held:
            await asyncio.sleep(0)
            bite = bytes(self._held[:_BITE])
            del self._held[:_BITE]
            if not self._is_over and len(self._held) <= _HIGH_WATER:
                self._transport.resume_reading()
            self._take(bite)
        elif self._is_over:
            self._end()
        else:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def leave(self) -> None:
        """Be through with an exchange; whatever is not in order then ends the connection."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        is_written = self._transport.get_write_buffer_size() == 0
        if not (exchange.is_whole and self._stays and is_written) or self._held:
            self.drop()

    def drop(self) -> None:
        """Hang up; nothing of ours is worth waiting for."""
        self._is_over = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None or exchange.is_whole or exchange.failure is not None:
            self._stays = False
            self.drop()  # it speaks unasked
        elif self._held or self._waiter is None or self._pieces > _FEW or len(data) > _BITE:
            self._held += data
            if len(self._held) > _HIGH_WATER:
                self._transport.pause_reading()
            self._wake()
        else:
            self._take(data)
            is_through = exchange.is_whole or exchange.failure is not None
            if is_through or (exchange.has_head and not self._is_brief) or self._pieces > _FEW:
                self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over, self._is_lost = True, exc is not None
        self._wake()

    def on_message_begin(self) -> None:
        if self._exchange is None or self._exchange.is_whole:
            raise ValueError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        exchange = self._exchange
        assert exchange is not None
        if exchange.has_head:
            return  # of what comes after a body nothing is wanted
        headers, name = exchange.headers, name.lower()
        if len(headers) >= _MOST_HEADERS:
            raise ValueError("headers without end")
        headers[name] = headers[name] + b", " + value if name in headers else value

    def on_headers_complete(self) -> None:
        exchange = self._exchange
        assert exchange is not None
        status, headers = self._parser.get_status_code(), exchange.headers
        if status in _INTERIM:
            headers.clear()
            return
        packing, length = headers.get(b"transfer-encoding"), headers.get(b"content-length")
        if (
            not 200 <= status <= 599
            or self._parser.get_http_version() not in ("1.1", "1.0")
            or (packing is not None and (packing.lower() != b"chunked" or length is not None))
        ):
            raise ValueError("not an answer")
        kind = headers.get(b"content-type", b"")
        self._is_brief = status == 200 and length is not None and kind.startswith(_JSON)
        self._ends_by_closing = length is None and packing is None and status not in (204, 304)
        self._stays = self._parser.should_keep_alive()
        exchange.status, exchange.has_head = status, True

    def on_body(self, body: bytes) -> None:
        assert self._exchange is not None
        self._exchange.body.append(body)
        self._pieces += 1

    def on_message_complete(self) -> None:
        if self._exchange is not None and self._exchange.has_head:
            self._exchange.is_whole = True

    def _begin(self) -> None:
        self._received = self._pieces = self._silent = 0
        self._is_brief = self._ends_by_closing = self._stays = False

    def _take(self, data: bytes) -> None:
        exchange, pieces = self._exchange, self._pieces
        assert exchange is not None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._stays = False
            if not exchange.is_whole:
                exchange.failure = _broken("its answer is not HTTP")
            return
        self._received += len(data)
        self._silent = 0 if self._pieces > pieces else self._silent + len(data)
        if exchange.is_whole:
            return
        if self._silent > _MOST_HEAD:
            what = "trailers" if exchange.has_head else "headers"
            exchange.failure = _broken(f"its answer has no end of {what}")
        elif self._received > 2 * base.MOST_BYTES:  # packed in pieces smaller than their wrapping
            exchange.failure = Failed(Code.UPSTREAM_TOO_LARGE, sent=True)

    def _end(self) -> None:
        exchange = self._exchange
        assert exchange is not None
        if self._is_lost:
            exchange.failure = Failed(Code.UPSTREAM_AWAY, "the connection was lost", sent=True)
        elif exchange.has_head and self._ends_by_closing:
            exchange.is_whole = True
        else:
            exchange.failure = Failed(Code.UPSTREAM_AWAY, "it closed the connection", sent=True)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def connect(
    host: str, port: int, *, private: tuple[str, ...], tls: ssl.SSLContext | None
) -> Line:
    """Connect to an address of a host that may be reached.

    :raises Failed: there is none, or none that answers, or it is not who it should be.
    """
    for address in await addresses.resolve(host, port, private):
        try:
            sock = await _connect(address, port)
        except OSError:
            continue
        try:
            _, line = await asyncio.get_running_loop().create_connection(
                Line, sock=sock, ssl=tls, server_hostname=host if tls is not None else None
            )
        except OSError:
            sock.close()
            break
        except BaseException:
            sock.close()
            raise
        return line
    raise Failed(Code.UPSTREAM_AWAY, "it cannot be connected to", sent=False)


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
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _broken(detail: str) -> Failed:
    return Failed(Code.UPSTREAM_BROKEN, detail, sent=True)
