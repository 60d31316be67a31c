"""The server behind ``bench gateway``: the SDK's own with one tool that answers what it is told."""

import json
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server

TOOL = "echo"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["text"],
}


async def list_tools(
    ctx: Any, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    """List the one tool."""
    echo = types.Tool(name=TOOL, description="Answers what it is told.", input_schema=SCHEMA)
    fresh: dict[str, Any] = {}
    if ctx.protocol_version >= "2026-07-28":
        fresh = {"ttl_ms": 0, "cache_scope": "private"}
    return types.ListToolsResult(tools=[echo], **fresh)


async def _call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    text = json.dumps(params.arguments)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


_server: Server[Any] = Server(
    "bench",
    on_list_tools=list_tools,
    on_call_tool=_call_tool,
    get_tool_input_schema=lambda _name: SCHEMA,  # else every call lists the tools once more
)
application = _server.streamable_http_app(stateless_http=True)
