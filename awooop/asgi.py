"""The web process: Django behind ASGI, and the lifespan Django does not have."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_django = get_asgi_application()

from awooop import celery as celery  # noqa: E402 - the app that tasks are sent through


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Serve HTTP with Django; start only on a database role that its walls bind."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        await _django(scope, receive, send)  # type: ignore[arg-type]


async def _lifespan(receive: Receive, send: Send) -> None:
    from awooop.kit import roles

    await receive()
    try:
        await sync_to_async(roles.verify)()
    except Exception as reason:  # noqa: BLE001 - the server prints it and exits
        await send({"type": "lifespan.startup.failed", "message": str(reason)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
