"""What leaves the MCP endpoint: the SDK's answer with our headers, or a problem of our own."""

import json
from collections.abc import MutableMapping
from typing import Any

from awooop.errors import AwoooPError
from awooop.kit import rest
from gateway.serving.requests import Send


class Reply:
    """One answer on its way."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._ours = [
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        self.has_begun = False
        self._instead: AwoooPError | None = None
        self._is_over = False

    def instead(self, error: AwoooPError) -> None:
        """Answer this in the place of whatever the SDK is about to say."""
        self._instead = error

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass on what the SDK says, unless something else is to be said."""
        if self._instead is not None and not self.has_begun:
            error, self._instead = self._instead, None
            await self.problem(error)
            self._is_over = True
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            self.has_begun = True
            theirs = list(message.get("headers", ()))
            if not any(name == b"cache-control" for name, _ in theirs):
                theirs.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*theirs, *self._ours]}
        await self._send(dict(message))

    async def problem(self, error: AwoooPError) -> None:
        """Answer in problem+json, unless an answer has begun."""
        if self.has_begun:
            return
        body = json.dumps(rest.problem(error), default=str).encode()
        headers = [(b"content-type", b"application/problem+json")]
        headers.append((b"content-length", str(len(body)).encode()))
        for name, value in rest.problem_headers(error).items():
            headers.append((name.lower().encode(), value.encode()))
        await self.send(
            {"type": "http.response.start", "status": error.code.http, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})
