"""HTTP to the addresses that may be reached, without a proxy, without trying twice."""

import ssl
from typing import Any

import httpcore2
import httpx2

from gateway.providers import addresses

KEPT_SECONDS = 60.0


class Transport(httpx2.AsyncHTTPTransport):
    """Connects to addresses that were judged, never to a name that may be resolved again.

    :param named: private networks that the contract names.
    """

    def __init__(self, named: tuple[str, ...], verify: ssl.SSLContext | None) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=verify, network_backend=_Backend(named), keepalive_expiry=KEPT_SECONDS
        )


class _Backend(httpcore2.AnyIOBackend):
    def __init__(self, named: tuple[str, ...]) -> None:
        self._named = named

    async def connect_tcp(
        self, host: str, port: int, *args: Any, **kwargs: Any
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = await addresses.resolve(host, port, self._named)
        for address in others:
            try:
                return await super().connect_tcp(address, port, *args, **kwargs)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(last, port, *args, **kwargs)
