"""What a request to the MCP endpoint must be before anything of it is believed."""

import ipaddress
import math
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from mcp_types import LOG_LEVEL_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from awooop.errors import Code, Invalid, NotFound, Refused
from awooop.kit import rest

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/mcp/"
_MOST_DIGITS = 19  # of a length
_ASKING = ("progressToken", LOG_LEVEL_META_KEY)
_LOCAL = [".localhost", "127.0.0.1", "[::1]"]  # whom Django believes under DEBUG


class Gone(Exception):
    """The client went away; there is nobody to answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by their lower-case names; of a repeated one, the first."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1"), value.decode("latin-1").strip(" \t"))
    return found


def trimmed(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers without the blanks round their values, as RFC 9110 reads them.

    The faster of uvicorn's two parsers leaves them there, and the SDK compares to the letter.
    """
    return [(name, value.strip(b" \t")) for name, value in scope["headers"]]


def check(scope: Scope, headers: dict[str, str]) -> None:
    """Let on what comes by a way we know: method, host, origin, media type, length.

    :raises Invalid: the method, the media type or the size is not taken here.
    :raises Refused: another site's page sends it, or it came in the clear.
    """
    if scope["method"] != "POST":
        raise Invalid(Code.METHOD_UNKNOWN, allow="POST")
    host = headers.get("host", "")
    if not _is_ours(host):
        raise Refused(Code.AUTH_FORBIDDEN, "this host name is not served here: see ALLOWED_HOSTS")
    if not _may_ask(headers.get("origin"), host):
        raise Refused(Code.AUTH_FORBIDDEN, "pages of this origin may not call tools")
    if settings.SECURE_SSL_REDIRECT and not _is_private(scope, headers):
        raise Refused(Code.AUTH_FORBIDDEN, "keys travel over HTTPS only")
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Invalid(Code.MEDIA_UNKNOWN)
    if _length(headers) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise Invalid(Code.BODY_TOO_LARGE)


def project_of(scope: Scope) -> str:
    """Return the project a path names.

    :raises NotFound: it names none.
    """
    project_id: str = scope["path"].removeprefix(PREFIX).removesuffix("/")
    if not project_id or "/" in project_id:
        raise NotFound(Code.PATH_UNKNOWN)
    return project_id


def address_of(scope: Scope) -> str:
    """Return the client's address, or none in its place: a proxy may pass on anything."""
    return _address((scope.get("client") or ("",))[0])


@lru_cache(4096)
def _address(asked: str) -> str:
    try:
        return str(ipaddress.ip_address(asked.partition("%")[0]))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - no address, not one to bind


async def body_of(receive: Receive) -> bytes:
    """Return the whole body.

    :raises Invalid: it is too large.
    :raises Gone: the client left in the middle of it.
    """
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise Invalid(Code.BODY_TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join(parts)


def message_of(raw: bytes) -> dict[str, Any]:
    """Return the JSON-RPC message a body spells, or nothing of one that the SDK shall judge.

    :raises Invalid: it holds what no row can hold, or is nested too deep.
    """
    try:
        message = rest.loads(raw)
    except Invalid as reason:
        if reason.code is Code.BODY_NOT_JSON:
            return {}
        raise
    return message if isinstance(message, dict) else {}


def tool_of(message: dict[str, Any]) -> str:
    """Return the tool a message wants called, or nothing."""
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    return name if isinstance(name, str) else ""


def cancelled_id(message: dict[str, Any]) -> str | int | None:
    """Return which request a notification calls off."""
    params = message.get("params")
    asked = params.get("requestId") if isinstance(params, dict) else None
    return asked if isinstance(asked, str | int) and not isinstance(asked, bool) else None


def takes_stream(headers: dict[str, str]) -> bool:
    """Tell whether the answer may be a stream."""
    accepts = headers.get("accept", "")
    return "text/event-stream" in accepts or "*/*" in accepts


def asks_to_hear(message: dict[str, Any]) -> bool:
    """Tell whether a request itself asks for more than an answer: for progress or log messages."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and any(meta.get(name) is not None for name in _ASKING)


def may_hear(headers: dict[str, str]) -> bool:
    """Tell whether the client's revision lets servers say what nobody asked them to."""
    return headers.get("mcp-protocol-version") not in MODERN_PROTOCOL_VERSIONS


def _length(headers: dict[str, str]) -> float:
    """Return how long the body says it is; what is no length is left to the reading of it."""
    spelled = headers.get("content-length", "0")
    if not (spelled.isascii() and spelled.isdigit()):
        return 0
    return int(spelled) if len(spelled) < _MOST_DIGITS else math.inf


def _is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    allowed = settings.ALLOWED_HOSTS or (_LOCAL if settings.DEBUG else [])
    return bool(domain) and validate_host(domain, allowed)


def _may_ask(origin: str | None, host: str) -> bool:
    """Tell whether the page that sends this, if one does, is one of ours."""
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower():
        return True
    return any(_trusts(trusted, origin.lower()) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _trusts(trusted: str, origin: str) -> bool:
    """Tell whether an origin is a trusted one, which may begin with a star: ``https://*.a.b``."""
    scheme, _, domain = trusted.lower().partition("://")
    if not domain.startswith("*"):
        return trusted.lower() == origin
    asked_scheme, _, asked = origin.partition("://")
    return asked_scheme == scheme and asked.endswith(domain[1:])


def _is_private(scope: Scope, headers: dict[str, str]) -> bool:
    return scope.get("scheme") == "https" or headers.get("x-forwarded-proto", "") == "https"
