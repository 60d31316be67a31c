"""The demo's MCP servers as one ASGI application: ``uvicorn awooop.console.demo_server.app:app``.

It knows nothing of AwoooP and needs no settings: to the gateway it is a stranger's server.
"""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from awooop.console.demo_server import cluster, shop
from awooop.console.demo_server.cluster import Unknown
from awooop.console.demo_server.tools import CLUSTER, SHOP, Part

VERSION = "1.0"
_LATER = "2026-07-28"  # from this revision of MCP on, every result says that it is complete


def _server(part: Part, verbs: Mapping[str, Any]) -> Starlette:
    schemas = {each["name"]: each["inputSchema"] for each in part.tools}

    async def list_tools(ctx: Any, _: Any) -> Any:
        listed: dict[str, Any] = {"tools": [dict(each) for each in part.tools]}
        return _spelled(ctx, {**listed, **_fresh(ctx)})

    async def call_tool(ctx: Any, asked: types.CallToolRequestParams) -> Any:
        return _spelled(ctx, _answer(verbs, asked))

    server: Server[Any] = Server(
        f"demo {part.gateway_id}",
        version=VERSION,
        instructions=part.instructions,
        get_tool_input_schema=schemas.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    return server.streamable_http_app(streamable_http_path=part.path, stateless_http=True)


def _answer(verbs: Mapping[str, Any], asked: types.CallToolRequestParams) -> dict[str, Any]:
    verb = verbs.get(asked.name)
    if verb is None:
        return _failed(f"there is no tool {asked.name[:80]!r}")
    try:
        found = verb(**(asked.arguments or {}))
    except Unknown as reason:
        return _failed(str(reason))
    except TypeError:
        return _failed("these are not the tool's arguments")
    text = json.dumps(found, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": found}


def _failed(why: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": why}], "isError": True}


def _fresh(ctx: Any) -> dict[str, Any]:
    return {"ttlMs": 0, "cacheScope": "private"} if ctx.protocol_version >= _LATER else {}


def _spelled(ctx: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "resultType": "complete"} if ctx.protocol_version >= _LATER else result


class Demo:
    """Both servers, by their paths; starting and ending them together."""

    def __init__(self) -> None:
        """Make the servers, as they are when the demo starts."""
        self.apps: dict[str, Starlette] = {
            CLUSTER.path: _server(CLUSTER, cluster.tools(cluster.new())),
            SHOP.path: _server(SHOP, shop.tools()),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        app: ASGIApp = self.apps.get(scope["path"], self.apps[CLUSTER.path])
        await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            for app in self.apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


app = Demo()
