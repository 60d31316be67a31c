"""An agent's side of the MCP endpoint: requests by hand, and the SDK's own client over a port."""

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import uvicorn
from django.test import Client as Browser
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from awooop.kit.db import tenant_tx
from awooop.tenants import keys
from gateway.models import ToolCall
from tests.gateway.upstreams import good

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"
_META = "io.modelcontextprotocol/"


def issue(project_id: str, **fields: Any) -> str:
    """Return a new key of a project."""
    with tenant_tx(project_id):
        return keys.issue(project_id, name="t", actor="t", at=timezone.now(), **fields)[1]


def rows(project_id: str) -> list[ToolCall]:
    """Return the record of a project's calls, oldest first."""
    with tenant_tx(project_id):
        return list(ToolCall.objects.order_by("call_id"))


@dataclass
class Agent:
    """Somebody with a key."""

    project_id: str
    key: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def message(self, method: str, params: Mapping[str, Any], version: str) -> dict[str, Any]:
        asked = dict(params)
        if version == MODERN:
            told = {f"{_META}protocolVersion": version, f"{_META}clientCapabilities": {}}
            asked["_meta"] = {**told, **asked.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": 7, "method": method, "params": asked}

    def fields(self, method: str, params: Mapping[str, Any], version: str) -> dict[str, str]:
        found = {
            "authorization": f"Bearer {self.key}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": version,
            "host": "127.0.0.1",
        }
        if version == MODERN:
            found["mcp-method"] = method
            if "name" in params:
                found["mcp-name"] = params["name"]
        return {**found, **self.headers}

    def ask(
        self, method: str, params: Any = None, *, version: str = MODERN, **headers: str | None
    ) -> Any:
        """Send one request through the Django view; headers of None are left out."""
        params = params or {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        fields = {**self.fields(method, params, version), **named}
        return self.post(self.message(method, params, version), fields)

    def post(self, body: Any, fields: Mapping[str, str | None], **options: Any) -> Any:
        return Browser(raise_request_exception=False).post(
            options.pop("path", f"/mcp/{self.project_id}/"),
            data=body,
            content_type=options.pop("content_type", "application/json"),
            headers={name: value for name, value in fields.items() if value is not None},
        )

    def call(self, tool: str, arguments: Any = None, **how: Any) -> Any:
        params = {"name": tool, "arguments": arguments or {}}
        return self.ask("tools/call", params, **how).json()

    def tools(self, **how: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("tools/list", **how).json()["result"]["tools"]
        return found

    @contextlib.asynccontextmanager
    async def client(self, base: str, **options: Any) -> AsyncIterator[Client]:
        """Connect the SDK's own client."""
        headers = {"authorization": f"Bearer {self.key}", **self.headers}
        async with httpx2.AsyncClient(headers=headers, timeout=10) as http:
            transport = streamable_http_client(f"{base}/mcp/{self.project_id}/", http_client=http)
            async with Client(transport, **options) as client:
                yield client


@contextlib.contextmanager
def web() -> Iterator[str]:
    """Serve the product's ASGI application from a thread, on a port of its own."""
    from awooop.asgi import application

    with good._listen() as listening:
        config = uvicorn.Config(
            application, log_level="error", access_log=False, timeout_graceful_shutdown=1
        )
        server = good._Served(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="web", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(5)
