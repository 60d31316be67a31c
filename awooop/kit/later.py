"""Answers that take a while: the request's thread is let go, and the event loop waits.

A door gives a first answer and what makes the last one. Where an event loop serves, it is awaited
there; where none does, in the thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from awooop.kit import rest

Last = Callable[[], Awaitable[Response]]


def announce(request: HttpRequest) -> None:
    """Say that whoever serves this request waits with :func:`settle`."""
    request.settles = True  # type: ignore[attr-defined]


def answer(request: HttpRequest, first: Response, last: Last) -> Response:
    """Return the first answer, to be replaced by the last; or the last, where nobody else waits."""
    if getattr(request, "settles", False):
        first.last = last  # type: ignore[attr-defined]
        return first
    return async_to_sync(_made)(last)


async def settle(response: HttpResponseBase) -> HttpResponseBase:
    """Return a response with its last answer in it, once there is one."""
    last: Last | None = getattr(response, "last", None)
    if last is None:
        return response
    made = await _made(last)
    kept: Any = response
    kept.content = rest.JSONRenderer().render(made.data)
    kept.status_code = made.status_code
    kept["Content-Type"] = made.content_type or rest.JSONRenderer.media_type
    kept["Content-Length"] = str(len(kept.content))
    for name, value in made.headers.items():
        if name.lower() not in ("content-type", "content-length"):
            kept[name] = value
    return response


async def _made(last: Last) -> Response:
    try:
        return await last()
    except Exception as reason:  # noqa: BLE001 - a door: nothing leaves with a stack trace
        return rest.problem_handler(reason, {})
