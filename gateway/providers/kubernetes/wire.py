"""The HTTP towards one API server: bounded, without redirects, each request sent once.

lightkube's own client is not used: its lists follow every page by themselves and cannot begin at
a page, its logs have no bound in bytes, and its models lose what they do not know. Its resources,
decoders and patch types are.
"""

import asyncio
import json
import math
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from awooop.errors import Code
from gateway.providers.base import MOST_BYTES, Answer, Failed, Permit, Secret, Target
from gateway.providers.kubernetes.asking import Asking
from gateway.providers.kubernetes.transport import KEPT_SECONDS, Transport

IN_CLUSTER = "https://kubernetes.default.svc"
_CLUSTER_CA = Path("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
_CONNECT_SECONDS = 10.0
_VERSION = Asking(path="/version", what="the version", read=lambda _: Answer())
_CUT = ("disconnected", "closed connection")  # the client has one error for these and for nonsense
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server answered, unjudged."""

    status: int
    body: bytes


class Wire:
    """Connections to one API server.

    :param patience: seconds between two bytes; the deadline of the whole call is the hub's.
    """

    def __init__(self, target: Target, *, patience: float) -> None:
        self._target = target
        self._token = ""
        self._used = -math.inf
        self._patience = patience
        self._client: httpx2.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def warm(self) -> None:
        """Have a connection that stands: asks for the server's version, unless it was used lately.

        :raises Failed: the server cannot be reached.
        """
        if time.monotonic() - self._used < KEPT_SECONDS / 2:
            return
        try:
            await self.ask(_VERSION, Permit(math.inf))
        except Failed as failure:
            raise Failed(failure.code, failure.detail, sent=False) from None

    async def ask(self, asking: Asking, permit: Permit) -> Reply:
        """Send a request once.

        :raises Failed: no answer came, or not one to be read.
        """
        client = await self._connected()
        sent = False

        async def trace(event: str, _: dict[str, Any]) -> None:
            nonlocal sent
            if event == "http11.send_request_headers.started":
                permit.check()
                sent = True

        request = client.build_request(
            asking.method,
            asking.path.removeprefix("/"),
            params=asking.params,
            content=asking.body,
            headers=self._headers(asking),
            extensions={"trace": trace},
        )
        try:
            response = await client.send(request, stream=True)
            try:
                reply = Reply(response.status_code, await _bounded(response))
                self._used = time.monotonic()
                return reply
            finally:
                await response.aclose()
        except httpx2.TimeoutException:
            code = Code.UPSTREAM_LATE if sent else Code.UPSTREAM_AWAY
            raise Failed(code, sent=sent) from None
        except httpx2.ProtocolError as fault:
            if any(words in str(fault) for words in _CUT):
                raise Failed(Code.UPSTREAM_AWAY, "the connection was cut", sent=sent) from None
            raise Failed(Code.UPSTREAM_BROKEN, "the answer is not HTTP", sent=sent) from None
        except (httpx2.HTTPError, OSError, UnicodeError):
            raise Failed(Code.UPSTREAM_AWAY, sent=sent) from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _headers(self, asking: Asking) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        headers["User-Agent"] = "awooop"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if asking.body is not None:
            headers["Content-Type"] = asking.media
        return headers

    async def _connected(self) -> httpx2.AsyncClient:
        async with self._making:
            if self._client is None:
                self._token, ca = _credential(self._target.credential)
                server = self._target.transport.get("api_server") or IN_CLUSTER
                verify = None
                if server.startswith("https:"):
                    # Reading a machine's authorities takes long: not on the loop.
                    verify = await asyncio.to_thread(_trust, server, ca)
                self._client = httpx2.AsyncClient(
                    base_url=server,
                    transport=Transport(self._target.private_addresses, verify),
                    timeout=httpx2.Timeout(self._patience, connect=_CONNECT_SECONDS),
                    follow_redirects=False,
                    trust_env=False,
                )
        return self._client


def _trust(server: str, ca: str) -> ssl.SSLContext:
    try:
        if ca:
            return ssl.create_default_context(cadata=ca)
        if server == IN_CLUSTER and _CLUSTER_CA.is_file():
            return ssl.create_default_context(cafile=str(_CLUSTER_CA))
    except (ssl.SSLError, ValueError):
        detail = "its ca is no certificate in PEM"
        raise Failed(Code.CREDENTIAL_AWAY, detail, sent=False) from None
    return httpx2.create_ssl_context(trust_env=False)


async def _bounded(response: httpx2.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Failed(Code.UPSTREAM_BROKEN, "it packed its answer unasked", sent=True)
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > MOST_BYTES:
            raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
        parts.append(part)
    return b"".join(parts)


def _credential(secret: Secret | None) -> tuple[str, str]:
    """Return the token, and the authority that signs the API server's certificate, or nothing.

    A credential is a token, or JSON with ``token`` and, for a cluster with its own authority,
    ``ca``.
    """
    if secret is None:
        return "", ""
    token: Any = secret.reveal().strip()
    ca: Any = ""
    if token.startswith("{"):
        try:
            held = json.loads(token)
            token, ca = held["token"], held.get("ca", "")
        except (ValueError, KeyError, RecursionError):
            token = None
    if not isinstance(token, str) or not isinstance(ca, str) or not _TOKEN.fullmatch(token):
        detail = "it is neither a token nor JSON with token and ca"
        raise Failed(Code.CREDENTIAL_AWAY, detail, sent=False)
    return token, ca
