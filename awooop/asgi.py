"""The web process: Django behind ASGI, and the lifespan Django does not have."""

import gc
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="web")


class OneHop(ASGIHandler):
    """Django's handler with the whole of a request in one thread.

    Django runs each synchronous middleware in a thread of its own turn, there and back; with ours
    all synchronous, that took longer than the work.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in a thread that keeps nothing of the request, and wait without one."""
        later.announce(request)
        answer = sync_to_async(self._answer, thread_sensitive=False, executor=_THREADS)
        return await later.settle(await answer(request))

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            close_old_connections()  # the signal that would do it comes in another thread


django.setup(set_prefix=False)
_django = OneHop()

from awooop import celery as celery  # noqa: E402 - the app that tasks are sent through
from awooop.kit import later  # noqa: E402 - REST framework reads the settings
from gateway import hub  # noqa: E402 - models need the apps
from gateway.serving import requests  # noqa: E402
from gateway.serving.endpoint import Endpoint  # noqa: E402

_mcp = Endpoint()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Serve HTTP with Django and MCP; start only on a database role that its walls bind."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(requests.PREFIX):
        await _mcp(scope, receive, send)
    elif scope["type"] == "http":
        await _django(scope, receive, send)  # type: ignore[arg-type]


def _verify() -> None:
    from awooop.kit import roles

    try:
        roles.verify()
    finally:
        close_old_connections()  # the thread stays, with nothing to do


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    try:
        await sync_to_async(_verify)()
    except Exception as reason:  # noqa: BLE001 - the server prints it and exits
        await send({"type": "lifespan.startup.failed", "message": str(reason)})
        return
    gc.collect()
    gc.freeze()  # what was loaded stays: it need not be looked through again and again
    async with hub.dwell_here(), _mcp.running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
