"""MCP towards agents: the tools they are offered and the calls they make, over the SDK's server."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any, get_args

import mcp_types as types
import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from awooop.errors import AwoooPError, Code, Unavailable
from awooop.kit import ids, redaction
from awooop.kit import rest as doors
from gateway import calls, holding, offers
from gateway.providers.base import Listener, Progress
from gateway.serving import answers, flights, hop
from gateway.serving.seats import Seat, TurnedAway
from gateway.shapes import Call, Result

log = structlog.get_logger(__name__)

PER_PAGE = 200
SEAT = "awooop.seat"  # where the endpoint leaves it in the ASGI scope
CANCELLED = -32800  # what the SDK answers a cancelled request of the handshake revisions
_LONGEST_CURSOR = 1_000
_LEVEL = "info"  # of log messages that nobody asked for
_MOST_WAITING = 16  # messages on their way to a slow client; more are left out
_INSTRUCTIONS = (
    "Every call is checked against the agent's contract and recorded. A refused call says which "
    "gate stopped it and what to do about it."
)

schema: ContextVar[Mapping[str, Any] | None] = ContextVar("mcp_tool_schema", default=None)

Context = ServerRequestContext[Any, Any]


async def _list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> dict[str, Any]:
    seat = _seat(ctx)
    try:
        offered = await hop.over(_offered, seat)
    except AwoooPError as reason:
        raise _protocol_error(reason) from None
    after = _read_cursor(params.cursor if params else None)
    rest = [name for name in offered if name > after]
    page = rest[:PER_PAGE]
    told: dict[str, Any] = {
        "tools": [tool for name in page if (tool := offered[name]())],
        "ttlMs": 0,
        "cacheScope": "private",
        "resultType": "complete",
    }
    if len(rest) > len(page):
        told["nextCursor"] = _cursor(page[-1])
    return told


async def _call_tool(ctx: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return await _called(ctx, params)
    with flights.up(_seat(ctx).knock, ctx.request_id):
        return await _called(ctx, params)
    raise MCPError(CANCELLED, "Request cancelled")


async def _called(ctx: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
    seat, progress = _seat(ctx), _progress(ctx)
    try:
        seconds = seat.knock.hold()
    except AwoooPError as reason:
        raise _protocol_error(reason) from None
    try:
        result = await calls.acall_tool(
            partial(_call, seat, params),
            is_large=seat.is_large,
            progress=progress,
            listener=_listener(ctx, seat),
        )
        if seconds and seat.caller is not None:
            result = await holding.hold(
                result,
                project_id=seat.caller.holder.project_id,
                agent_id=seat.caller.agent_id,
                seconds=seconds,
                progress=progress,
            )
    except TurnedAway as reason:
        seat.reply.instead(reason.error)
        raise MCPError(types.INTERNAL_ERROR, reason.error.detail) from None
    except _Unfit as reason:
        raise _protocol_error(reason.error) from None
    except Exception as reason:  # noqa: BLE001 - a door: nothing leaves with a stack trace
        return answers.of_error(_told(reason))
    return _answer(ctx, params.name, result)


class _Unfit(Exception):
    """Nobody knows for which agent a key speaks."""

    def __init__(self, error: AwoooPError) -> None:
        super().__init__(str(error))
        self.error = error


def _offered(seat: Seat) -> dict[str, Callable[[], dict[str, Any] | None]]:
    caller = seat.take()
    return offers.spelled(caller.holder.project_id, caller.agent())


def _call(seat: Seat, params: types.CallToolRequestParams) -> Call:
    caller = seat.take()
    try:
        agent_id = caller.agent()
    except AwoooPError as reason:
        raise _Unfit(reason) from None
    return Call(
        project_id=caller.holder.project_id,
        agent_id=agent_id,
        tool=params.name,
        arguments=params.arguments or {},
        actor=caller.holder.name,
        home_id=caller.holder.project_id,
        environment=caller.environment,
        look=caller.look,
        trace_id=ids.trace_id(caller.traceparent),
    )


def _answer(ctx: Context, name: str, result: Result) -> dict[str, Any]:
    """Return a result as MCP spells it.

    :raises MCPError: the agent has no such tool, or the tool wants more than a gateway gives.
    """
    if result.code is Code.GATE_TOOL:
        told = f"Unknown tool: {redaction.excerpt(name, 200)}"
        raise MCPError(types.INVALID_PARAMS, told, {"code": result.code.value})
    if (needs := answers.needs(result)) and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        told = "The tool needs what the gateway does not pass on"
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, told, needs)
    return answers.of(result)


def _told(reason: Exception) -> AwoooPError:
    error = doors.planned(reason)
    if error.code is Code.INTERNAL:
        log.error("call_failed", exc_info=reason)
    return error


def _progress(ctx: Context) -> Progress | None:
    """Return what passes an upstream's progress on, when it was asked for."""
    if not ctx.meta or ctx.meta.get("progress_token") is None:
        return None
    return _forwarding(ctx.session.report_progress)


def _listener(ctx: Context, seat: Seat) -> Listener | None:
    """Return what passes an upstream's log messages on, when there is a stream to pass them on by.

    From 2026 on a request names the level. Before, nobody is known to have named one: no session is
    kept, so what ``logging/setLevel`` said is forgotten.
    """
    level: Any = _LEVEL
    if not seat.streams:
        return None
    if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
        level = dict(ctx.meta or {}).get(types.LOG_LEVEL_META_KEY)
    if level not in get_args(types.LoggingLevel):
        return None

    async def tell(severity: Any, logger: str | None, text: str) -> None:
        told = types.LoggingMessageNotificationParams(level=severity, logger=logger, data=text)
        notification = types.LoggingMessageNotification(params=told)
        await ctx.session.send_notification(notification, related_request_id=ctx.request_id)

    return Listener(level, _forwarding(tell))


async def _set_level(ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
    """Accept a level, for clients that must set one; it holds for nothing beyond this request."""
    return types.EmptyResult()


def _forwarding(say: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return what says something to the client from any event loop, unless the client is slow."""
    home = asyncio.get_running_loop()
    waiting = 0

    async def tell(*said: Any) -> None:
        nonlocal waiting
        if waiting >= _MOST_WAITING:
            return
        waiting += 1
        try:
            await say(*said)
        finally:
            waiting -= 1

    async def forward(*said: Any) -> None:
        if asyncio.get_running_loop() is home:
            await tell(*said)
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(tell(*said), home))

    return forward


def _seat(ctx: Context) -> Seat:
    assert ctx.request is not None
    seat: Seat = ctx.request.scope[SEAT]
    return seat


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
    made.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    made.middleware.clear()  # spans that nobody collects, and the tool's name in each
    return made


server = _make()
