"""An MCP server with every tool that the official conformance suite asks a server for.

Served bare by the SDK it is the baseline; behind the gateway it is the upstream.
"""

import base64
import struct
import zlib
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

DRAFT = "https://json-schema.org/draft/2020-12/schema"
OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
RICH: dict[str, Any] = {
    "$schema": DRAFT,
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
MIRRORED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "priority": {"type": "integer", "x-mcp-header": "Priority"},
        "query": {"type": "string"},
    },
}


def _png() -> str:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    dot = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    dot += chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00")) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + dot).decode()


def _wav() -> str:
    header = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    body = header + b"data" + struct.pack("<I", 4) + b"\x80" * 4
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(body)) + body).decode()


IMAGE = {"type": "image", "data": _png(), "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": _wav(), "mimeType": "audio/wav"}


def _text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def _resource(uri: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}}


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "test_simple_text": [_text("This is a simple text response for testing.")],
    "test_image_content": [IMAGE],
    "test_audio_content": [AUDIO],
    "test_embedded_resource": [
        _resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": [
        _text("Multiple content types test:"),
        IMAGE,
        _resource(
            "test://mixed-content-resource", "application/json", '{"test":"data","value":123}'
        ),
    ],
    "test_custom_headers": [_text("taken")],
    "json_schema_2020_12_tool": [_text("ok")],
    "test_logging_tool": [_text("logged")],
    "test_streaming_elicitation": [_text("nothing was asked")],
}
SCHEMAS = {"test_custom_headers": MIRRORED, "json_schema_2020_12_tool": RICH}
NAMES = (
    *ANSWERS,
    "test_error_handling",
    "test_tool_with_progress",
    "test_tool_with_logging",
    "test_sampling",
    "test_elicitation",
    "test_missing_capability",
)
DEFINITIONS: list[dict[str, Any]] = [
    {
        "name": name,
        "description": f"The suite's {name}.",
        "inputSchema": SCHEMAS.get(name, OBJECT),
        "annotations": {"readOnlyHint": True},
    }
    for name in NAMES
]


async def _list_tools(ctx: Any, params: Any) -> Any:
    return types.ListToolsResult.model_validate({"tools": DEFINITIONS})


async def _call_tool(ctx: Any, params: types.CallToolRequestParams) -> Any:
    name = params.name
    if name == "test_error_handling":
        return _result([_text("This tool intentionally returns an error for testing")], True)
    if name == "test_missing_capability":
        needs = types.ClientCapabilities(sampling=types.SamplingCapability())
        if not ctx.session.check_client_capability(needs):
            raise _missing()
        return _result([_text("the client can sample")])
    if name == "test_tool_with_progress":
        for done in (0, 50, 100):
            await ctx.session.report_progress(done, 100)
            await anyio.sleep(0.05)
        return _result([_text("done")])
    if name == "test_tool_with_logging":
        for said in ("started", "processing data", "completed"):
            await ctx.session.send_log_message(
                level="info", data=f"Tool execution {said}", related_request_id=ctx.request_id
            )
            await anyio.sleep(0.05)
        return _result([_text("done")])
    if name == "test_sampling":
        said = types.SamplingMessage(role="user", content=types.TextContent(text="Hello"))
        answer = await ctx.session.create_message([said], max_tokens=100)
        return _result([_text(f"LLM response: {answer.content}")])
    if name == "test_elicitation":
        asked = {"type": "object", "properties": {"answer": {"type": "string"}}}
        answer = await ctx.session.elicit("What do you say?", asked)
        return _result([_text(f"User response: {answer.action}")])
    if name not in ANSWERS:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {name}")
    return _result(ANSWERS[name])


def _missing() -> Exception:
    return MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "Missing required client capability",
        {"requiredCapabilities": {"sampling": {}}},
    )


def _result(content: list[dict[str, Any]], is_error: bool = False) -> Any:
    return types.CallToolResult.model_validate({"content": content, "isError": is_error})


async def _set_level(ctx: Any, params: Any) -> Any:
    return types.EmptyResult()


def make() -> Server[Any]:
    """Return the server; the SDK does the rest."""
    return Server(
        "everything",
        version="1",
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_set_logging_level=_set_level,
    )


def app() -> Any:
    """Return it as an ASGI application, stateless as the gateway is, with the SDK's own streams."""
    return make().streamable_http_app(stateless_http=True)
