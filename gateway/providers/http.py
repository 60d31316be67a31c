"""HTTP towards one MCP server: no redirects, no proxies, no compression, no more than fits."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, Mapping

import httpx2

from awooop.errors import Code
from gateway.providers import base, wire
from gateway.providers.base import Failed, Target
from gateway.providers.ears import Ears

_IDLE_SECONDS = 4.0  # below what servers wait: a request must not meet a closing connection
_ENDING_SECONDS = 0.2  # after a stream's last message, for the end of the stream
_MOST_ENDING = 16
_BEARER = "authorization"
_LINES = re.compile(
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: "
    rb"(?:[!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?\r\n)*"
)
_PLAIN = (b"", b"identity")


class Reply:
    """An answer whose body is still to come.

    :param is_through: set when nothing more is wanted of it, though its end may not have come yet.
    """

    __slots__ = ("_ears", "_exchange", "_line", "_places", "is_through")

    def __init__(
        self, line: wire.Line, exchange: wire.Exchange, ears: Ears, places: "_Places"
    ) -> None:
        self._line, self._exchange, self._ears, self._places = line, exchange, ears, places
        self.is_through = False

    @property
    def status(self) -> int:
        return self._exchange.status

    @property
    def media_type(self) -> str:
        return self.header(b"content-type").partition(";")[0].strip().lower()

    def header(self, name: bytes) -> str:
        """Return a header's value; what is not there is empty."""
        return self._exchange.headers.get(name, b"").decode("latin-1")

    async def body(self) -> bytes:
        """Return all of it.

        :raises Failed: it is too large, or breaks off.
        """
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes.

        :raises Failed: it is too large, or breaks off.
        """
        exchange, total = self._exchange, 0
        if exchange.headers.get(b"content-encoding", b"").lower() not in _PLAIN:
            raise Failed(Code.UPSTREAM_BROKEN, "it sent a compressed answer unasked", sent=True)
        while True:
            if exchange.body:
                count, chunk = len(exchange.body), b"".join(exchange.body)
                exchange.body.clear()
                total += len(chunk)
                if total > base.MOST_BYTES:
                    raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
                yield chunk
                await self._ears.breathe(count)
            elif exchange.failure is not None:
                raise exchange.failure
            elif exchange.is_whole:
                return
            else:
                await self._line.hear()

    def close(self) -> None:
        """Be through with it, read or not."""
        if self.is_through and self._line.is_ending:
            self._places.see_out(self._line, self._exchange)
        else:
            self._places.give(self._line)


class _Places:
    """The connections to one server: so many at once, and those that are kept for the next."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._every: set[wire.Line] = set()
        self._kept: list[tuple[float, wire.Line]] = []
        self._ending: set[asyncio.Task[None]] = set()

    async def take(self) -> wire.Line | None:
        """Wait for a place, and for a connection that is kept, if there is one."""
        await self._free.acquire()
        while self._kept:
            since, line = self._kept.pop()
            if line.is_free and time.monotonic() - since < _IDLE_SECONDS:
                return line
            self._drop(line)
        return None

    def add(self, line: wire.Line) -> None:
        self._every.add(line)

    def give(self, line: wire.Line | None) -> None:
        """Give a place back, and with it a connection: kept when it is in order."""
        self._free.release()
        if line is not None:
            self._keep(line)

    def see_out(self, line: wire.Line, exchange: wire.Exchange) -> None:
        """Give a place back, and its connection a moment later: at the end of its answer."""
        self._free.release()
        if len(self._ending) >= _MOST_ENDING:
            self._drop(line)
            return
        task = asyncio.create_task(self._ended(line, exchange))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def close(self) -> None:
        for line in self._every:
            line.drop()
        self._every.clear()
        self._kept.clear()

    async def _ended(self, line: wire.Line, exchange: wire.Exchange) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_SECONDS):
                while line.is_ending and not exchange.body:
                    await line.hear()
        self._keep(line)

    def _keep(self, line: wire.Line) -> None:
        line.leave()
        if line.is_free and line in self._every:
            self._kept.append((time.monotonic(), line))
        else:
            self._drop(line)

    def _drop(self, line: wire.Line) -> None:
        self._every.discard(line)
        line.drop()


class Endpoint:
    """Where a server listens, and the connections that are kept to it."""

    def __init__(self, target: Target, ears: Ears) -> None:
        url = httpx2.URL(target.transport["url"])
        self._host = url.raw_host.decode("ascii")
        self._tls = wire.tls() if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls is not None else 80)
        self._path = url.raw_path
        self._private = target.private_addresses
        self._ears = ears
        self._fixed = _lines(
            {
                "Host": url.netloc.decode("ascii"),
                "User-Agent": "awooop-gateway",
                "Accept-Encoding": "identity",
                **_credential(target),
            }
        )
        # beside the calls: news, and cancellations
        self._places = _Places(target.concurrent + 4)

    async def send(
        self, method: str, headers: Mapping[str, str], exchange: wire.Exchange, body: bytes = b""
    ) -> Reply:
        """Send a request and wait for the head of its answer; close that in the end.

        :raises Failed: there is no usable answer.
        """
        request = self._spelled(method, headers, body)
        line = await self._places.take()
        try:
            if line is None:
                line = await wire.connect(
                    self._host, self._port, private=self._private, tls=self._tls
                )
                self._places.add(line)
            line.send(request, exchange)
            while not exchange.has_head:
                if exchange.failure is not None:
                    raise exchange.failure
                await line.hear()
        except BaseException:
            self._places.give(line)
            raise
        return Reply(line, exchange, self._ears, self._places)

    async def close(self) -> None:
        """Drop every connection."""
        self._places.close()

    def _spelled(self, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        first = b"%s %s HTTP/1.1\r\n" % (method.encode(), self._path)
        return b"".join((first, self._fixed, _lines(headers), length, b"\r\n", body))


def _lines(headers: Mapping[str, str]) -> bytes:
    """Spell headers, each on a line of its own and nothing else on it."""
    spelled = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
    if _LINES.fullmatch(spelled) is None or spelled.count(b"\n") != len(headers):
        raise Failed(Code.UPSTREAM_BROKEN, "the request cannot be spelled", sent=False)
    return spelled


def _credential(target: Target) -> dict[str, str]:
    if target.credential is None:
        return {}
    name = str(target.transport.get("credential_header") or "Authorization")
    value = target.credential.reveal().strip()
    if name.lower() == _BEARER and " " not in value:
        value = f"Bearer {value}"
    if not value.isascii() or not value.isprintable():
        raise Failed(Code.CREDENTIAL_AWAY, "the credential cannot stand in a header", sent=False)
    return {name: value}
