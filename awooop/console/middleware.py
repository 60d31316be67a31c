"""What every request carries: an id in the log, and no project of the one before."""

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from awooop.kit import ids

_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


class RequestId:
    """Give each request an id: the caller's X-Request-Id when it is harmless, else our own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.headers.get("X-Request-Id", "")
        request_id = asked if _SAFE_ID.fullmatch(asked) else str(ids.new_id())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response
