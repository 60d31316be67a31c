"""HTTP towards one MCP server: no redirects, no proxies, no compression, no more than fits."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

import h11
import httpcore2
import httpx2

from awooop.errors import Code
from gateway.providers import base, wire
from gateway.providers.base import Failed, Target
from gateway.providers.ears import Ears

_IDLE_SECONDS = 4.0  # below what servers wait: a request must not meet a closing connection
_BEARER = "authorization"


@dataclass(slots=True)
class Reply:
    """An answer whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    _response: httpcore2.Response
    _ears: Ears

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """Return all of it.

        :raises Failed: it is too large, or breaks off.
        """
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        :raises Failed: it is too large, or breaks off.
        """
        if self.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise Failed(Code.UPSTREAM_BROKEN, "it sent a compressed answer unasked", sent=True)
        total = 0
        with _told():
            async for chunk in self._response.aiter_stream():
                total += len(chunk)
                if total > base.MOST_BYTES:
                    raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
                yield chunk
                await self._ears.breathe()


class Endpoint:
    """Where a server listens, and the connections that are kept to it."""

    def __init__(self, target: Target, ears: Ears) -> None:
        url = httpx2.URL(target.transport["url"])
        self._url = httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        self._ears = ears
        self._fixed = [
            (b"Host", url.netloc),
            (b"User-Agent", b"awooop-gateway"),
            (b"Accept-Encoding", b"identity"),
            *_credential(target),
        ]
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=wire.tls() if url.scheme == "https" else None,
            max_connections=target.concurrent + 4,  # beside the calls: news, and cancellations
            max_keepalive_connections=target.concurrent + 4,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=wire.Backend(target.private_addresses),
        )

    @contextlib.asynccontextmanager
    async def exchange(
        self, method: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[Reply]:
        """Send a request; what is under way has been put into ``wire.EXCHANGE`` by the caller.

        :raises Failed: there is no usable answer.
        """
        sent_headers = [*self._fixed, *((k.encode(), v.encode()) for k, v in headers.items())]
        if body:
            sent_headers.append((b"Content-Length", str(len(body)).encode()))
        request = httpcore2.Request(method, self._url, headers=sent_headers, content=body)
        with _told():
            response = await self._pool.handle_async_request(request)
        if (exchange := wire.EXCHANGE.get()) is not None:
            exchange.has_head = True
        try:
            found = {name.decode("latin-1").lower(): value for name, value in response.headers}
            texts = {name: value.decode("latin-1") for name, value in found.items()}
            yield Reply(response.status, texts, response, self._ears)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Drop every connection."""
        await self._pool.aclose()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong on the wire into what the gateway says about it."""
    try:
        yield
    except (httpcore2.LocalProtocolError, h11.LocalProtocolError):
        raise Failed(Code.UPSTREAM_BROKEN, "the request cannot be spelled", sent=_left()) from None
    except httpcore2.RemoteProtocolError:
        exchange = wire.EXCHANGE.get()
        if exchange is not None and exchange.ended:
            raise Failed(Code.UPSTREAM_AWAY, "it closed the connection", sent=_left()) from None
        raise Failed(Code.UPSTREAM_BROKEN, "its answer is not HTTP", sent=_left()) from None
    except (httpcore2.ConnectError, httpcore2.TimeoutException, TimeoutError):
        raise Failed(Code.UPSTREAM_AWAY, "it cannot be connected to", sent=_left()) from None
    except (httpcore2.NetworkError, OSError):
        raise Failed(Code.UPSTREAM_AWAY, "the connection was lost", sent=_left()) from None


def _left() -> bool:
    exchange = wire.EXCHANGE.get()
    return exchange is not None and exchange.left


def _credential(target: Target) -> list[tuple[bytes, bytes]]:
    if target.credential is None:
        return []
    name = str(target.transport.get("credential_header") or "Authorization")
    value = target.credential.reveal().strip()
    if name.lower() == _BEARER and " " not in value:
        value = f"Bearer {value}"
    if not value.isascii() or not value.isprintable():
        raise Failed(Code.CREDENTIAL_AWAY, "the credential cannot stand in a header", sent=False)
    return [(name.encode(), value.encode())]
