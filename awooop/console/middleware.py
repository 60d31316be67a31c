"""What every request carries: an id in the log, an address that is one, no charset of its own."""

import ipaddress
import re
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from awooop.console import addresses
from awooop.kit import ids
from awooop.kit.redaction import redact

_SAFE_ID = re.compile(r"[a-z0-9_.-]{8,64}|[A-Z0-9_.-]{8,64}")  # tokens mix their letters


class RequestId:
    """Give each request an id: the caller's X-Request-Id when it is harmless, else our own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.headers.get("X-Request-Id", "")
        request_id = asked if is_harmless(asked) else str(ids.new_id())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class Address:
    """Believe no address that is none: a proxy we trust may pass on what its client wrote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("REMOTE_ADDR", "")
        try:
            request.META["REMOTE_ADDR"] = str(ipaddress.ip_address(asked.partition("%")[0]))
        except ValueError:
            request.META["REMOTE_ADDR"] = "0.0.0.0"  # noqa: S104 - no address, not one to bind
        return self.get_response(request)


class Encoding:
    """Read every form as UTF-8, whatever its sender calls it: on other names Django fails."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.encoding is not None:
            request.encoding = settings.DEFAULT_CHARSET
        return self.get_response(request)


class Discretion:
    """Let no answer repeat a secret from its address: redirects, and the pages DEBUG shows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Location" in response and not addresses.may_be_shown(response["Location"]):
            response["Location"] = addresses.HOME
        if settings.DEBUG and response.status_code >= 400 and not response.streaming:
            response.content = redact(response.content.decode(response.charset, "replace"))
        return response


def is_harmless(request_id: str) -> bool:
    """Tell whether a caller's id can go into logs and answers as it came."""
    return _SAFE_ID.fullmatch(request_id) is not None and redact(request_id) == request_id
