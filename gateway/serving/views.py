"""The MCP endpoint as a Django view: for servers that speak WSGI, and for tests.

Answers come in one piece: no progress, and a client that goes away is not noticed.
"""

from typing import Any

import anyio
from asgiref.sync import async_to_sync
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from awooop.errors import Code, Invalid
from awooop.kit import rest
from gateway.serving.endpoint import Endpoint
from gateway.serving.requests import Message

_endpoint = Endpoint(may_stream=False)


@csrf_exempt
def serve(request: HttpRequest, project_id: str) -> HttpResponse:
    """Answer one MCP request."""
    try:
        _ = request.body
    except RequestDataTooBig:
        return rest.problem_response(Invalid(Code.BODY_TOO_LARGE))
    return async_to_sync(_serve)(request)


async def _serve(request: HttpRequest) -> HttpResponse:
    begun: list[Message] = []
    parts: list[bytes] = []
    bodies: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Message:
        if not bodies:
            await anyio.sleep_forever()
        return bodies.pop()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(message)
        else:
            parts.append(message.get("body", b""))

    await _endpoint(_scope(request), receive, send)
    answer = HttpResponse(b"".join(parts), status=begun[0]["status"])
    del answer.headers["Content-Type"]
    for name, value in begun[0]["headers"]:
        if name.lower() != b"content-length":
            answer.headers[name.decode("latin-1")] = value.decode("latin-1")
    return answer


def _scope(request: HttpRequest) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": (request.META.get("REMOTE_ADDR", ""), 0),
        "server": None,
    }
