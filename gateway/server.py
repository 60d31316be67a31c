"""MCP towards agents: the tools they are offered and the calls they make, over the SDK's server."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from awooop.errors import AwoooPError, Code, Unavailable
from awooop.kit import ids, redaction
from gateway import calls, offers
from gateway.providers.base import Progress
from gateway.serving import answers, flights, hop
from gateway.serving.callers import Caller
from gateway.shapes import Call

PER_PAGE = 200
CALLER = "awooop.caller"  # where the endpoint leaves it in the ASGI scope
CANCELLED = -32800  # what the SDK answers a cancelled request of the handshake revisions
_LONGEST_CURSOR = 1_000
_MOST_WAITING = 16  # progress messages on their way to a slow client; more are left out
_INSTRUCTIONS = (
    "Every call is checked against the agent's contract and recorded. A refused call says which "
    "gate stopped it and what to do about it."
)

schema: ContextVar[Mapping[str, Any] | None] = ContextVar("mcp_tool_schema", default=None)

Context = ServerRequestContext[Any, Any]


async def _list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> dict[str, Any]:
    caller = _caller(ctx)
    try:
        agent_id = _agent(caller)
        entries = await hop.over(offers.of_agent, caller.holder.project_id, agent_id)
    except AwoooPError as reason:
        raise _protocol_error(reason) from None
    after = _read_cursor(params.cursor if params else None)
    rest = [entry for entry in entries if entry.name > after]
    page = rest[:PER_PAGE]
    told: dict[str, Any] = {
        "tools": [tool for entry in page if (tool := offers.definition(entry))],
        "ttlMs": 0,
        "cacheScope": "private",
        "resultType": "complete",
    }
    if len(rest) > len(page):
        told["nextCursor"] = _cursor(page[-1].name)
    return told


async def _call_tool(ctx: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
    caller = _caller(ctx)
    try:
        call = Call(
            project_id=caller.holder.project_id,
            agent_id=_agent(caller),
            tool=params.name,
            arguments=params.arguments or {},
            actor=caller.holder.name,
            home_id=caller.holder.project_id,
            environment=caller.environment,
            trace_id=ids.trace_id(caller.traceparent),
        )
    except AwoooPError as reason:
        raise _protocol_error(reason) from None
    with flights.up(caller, ctx.request_id):
        try:
            result = await calls.acall_tool(call, progress=_progress(ctx))
        except AwoooPError as reason:
            return answers.of_error(reason)
        if result.code is Code.GATE_TOOL:
            told = f"Unknown tool: {redaction.excerpt(params.name, 200)}"
            raise MCPError(types.INVALID_PARAMS, told, {"code": result.code.value})
        if (needs := answers.needs(result)) and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
            told = "The tool needs what the gateway does not pass on"
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, told, needs)
        return answers.of(result)
    raise MCPError(CANCELLED, "Request cancelled")


def _progress(ctx: Context) -> Progress | None:
    """Return what passes an upstream's progress on, from any event loop, when it was asked for."""
    if not ctx.meta or ctx.meta.get("progress_token") is None:
        return None
    home = asyncio.get_running_loop()
    waiting = 0

    async def tell(done: float, total: float | None, message: str | None) -> None:
        nonlocal waiting
        if waiting >= _MOST_WAITING:
            return
        waiting += 1
        try:
            said = None if message is None else redaction.excerpt(message, 500)
            await ctx.session.report_progress(done, total, said)
        finally:
            waiting -= 1

    async def forward(done: float, total: float | None, message: str | None) -> None:
        if asyncio.get_running_loop() is home:
            await tell(done, total, message)
        else:
            there = asyncio.run_coroutine_threadsafe(tell(done, total, message), home)
            await asyncio.wrap_future(there)

    return forward


def _caller(ctx: Context) -> Caller:
    assert ctx.request is not None
    caller: Caller = ctx.request.scope[CALLER]
    return caller


def _agent(caller: Caller) -> str:
    if caller.fault is not None:
        raise caller.fault
    return caller.agent_id


def _protocol_error(reason: AwoooPError) -> MCPError:
    number = types.INTERNAL_ERROR if isinstance(reason, Unavailable) else types.INVALID_PARAMS
    facts = {"code": reason.code.value, "hint": reason.code.hint}
    return MCPError(number, f"{reason.code.value}: {reason.detail}", facts)


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read_cursor(cursor: str | None) -> str:
    try:
        return base64.b64decode((cursor or "")[:_LONGEST_CURSOR], b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise MCPError(types.INVALID_PARAMS, "There is no such cursor") from None


def _make() -> Server[Any]:
    made: Server[Any] = Server(
        "awooop",
        title="AwoooP gateway",
        version="1",
        instructions=_INSTRUCTIONS,
        on_list_tools=_list_tools,  # type: ignore[arg-type] # a mapping is spelled out once
        on_call_tool=_call_tool,  # type: ignore[arg-type]
        get_tool_input_schema=lambda _name: schema.get(),
    )
    made.middleware.clear()  # spans that nobody collects, and the tool's name in each
    return made


server = _make()
