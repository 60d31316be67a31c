"""The least that can stand between: the SDK's server with the SDK's client behind it.

No key, no gate, no redaction, no row: what an agent pays for any proxy made of these parts.
Its upstream's port is in the environment, as ``BENCH_UPSTREAM``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server

from awooop.console.bench import upstream


@asynccontextmanager
async def _behind(_: Server[Any]) -> AsyncIterator[Client]:
    """Keep one session with the upstream for as long as the proxy lives."""
    url = f"http://127.0.0.1:{os.environ['BENCH_UPSTREAM']}/mcp"
    async with Client(streamable_http_client(url)) as session:
        yield session


async def _call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    session: Client = ctx.lifespan_context
    return await session.call_tool(params.name, params.arguments)


_server: Server[Any] = Server(
    "bench-proxy",
    lifespan=_behind,
    on_list_tools=upstream.list_tools,
    on_call_tool=_call_tool,
    get_tool_input_schema=lambda _name: upstream.SCHEMA,
)
application = _server.streamable_http_app(stateless_http=True)
