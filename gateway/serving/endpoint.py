"""``/mcp/{project_id}/``: MCP over Streamable HTTP as an ASGI application, without sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import structlog
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from awooop.errors import AwoooPError, Code, Unauthenticated
from awooop.kit import ids, rest
from gateway import offers, server
from gateway.serving import callers, flights, hop, requests
from gateway.serving.callers import Caller, Knock
from gateway.serving.replies import Reply
from gateway.serving.requests import Gone, Message, Receive, Scope, Send
from gateway.serving.seats import Seat

log = structlog.get_logger(__name__)

Managers = dict[bool, StreamableHTTPSessionManager]  # by whether answers may be streams


class Endpoint:
    """The application; :meth:`running` keeps what its requests share, one for a process."""

    def __init__(self, *, may_stream: bool = True) -> None:
        self._may_stream = may_stream
        self._managers: Managers | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for as long as the block lasts, all on one event loop."""
        async with _managers() as self._managers:
            try:
                yield
            finally:
                self._managers = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(ids.new_id())
        reply = Reply(send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._answer(scope, receive, reply)
            except Gone:
                return
            except AwoooPError as reason:
                await reply.problem(reason)
            except Exception as reason:
                error = rest.planned(reason)
                if error.code is Code.INTERNAL:
                    log.error("door_failed", exc_info=reason)
                await reply.problem(error)

    async def _answer(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        headers = requests.headers_of(scope)
        requests.check(scope, headers)
        knock = Knock(requests.project_of(scope), headers, requests.address_of(scope))
        try:
            callers.credential(headers)  # nobody's body is read who has no key to show
        except Unauthenticated:
            await hop.over(callers.count_stranger, knock)
            raise
        raw = await requests.body_of(receive)
        message = requests.message_of(raw)
        streams = self._may_stream and requests.wants_stream(headers, message)
        seat = Seat(knock, reply)
        if streams or not _can_wait(knock, message):
            seat.caller = await hop.over(callers.let_in, knock)
            await _show_schema(seat.caller, message)
        if message.get("method") == "notifications/cancelled":
            flights.down(knock, requests.cancelled_id(message))
        scope = {**scope, "headers": requests.trimmed(scope), server.SEAT: seat}
        async with self._shared() as managers:
            await _serve(managers[streams], scope, _again(raw, receive), receive, reply, streams)

    @asynccontextmanager
    async def _shared(self) -> AsyncIterator[Managers]:
        """Give what was made once; a server that never announced its life gets its own."""
        if self._managers is not None:
            yield self._managers
        else:
            async with _managers() as managers:
                yield managers


@asynccontextmanager
async def _managers() -> AsyncIterator[Managers]:
    made = {
        streams: StreamableHTTPSessionManager(
            server.server, json_response=not streams, stateless=True
        )
        for streams in (False, True)
    }
    async with AsyncExitStack() as stack:
        for manager in made.values():
            await stack.enter_async_context(manager.run())
        yield made


async def _serve(
    manager: StreamableHTTPSessionManager,
    scope: Scope,
    again: Receive,
    receive: Receive,
    reply: Reply,
    streams: bool,
) -> None:
    """Let the SDK answer; a client that goes away takes its call with it."""
    if streams:  # the SDK watches its streams itself
        await manager.handle_request(scope, again, reply.send)
        return
    with anyio.CancelScope() as whole:
        watch = asyncio.create_task(_watch(receive, whole))
        try:
            await manager.handle_request(scope, again, reply.send)
        finally:
            watch.cancel()
    if whole.cancelled_caught and not reply.has_begun:
        raise Gone


async def _watch(receive: Receive, whole: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    whole.cancel()


def _again(raw: bytes, receive: Receive) -> Receive:
    """Give the body that was read already, then whatever comes."""
    bodies: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

    async def give() -> Message:
        return bodies.pop() if bodies else await receive()

    return give


def _can_wait(knock: Knock, message: Message) -> bool:
    """Tell whether the key may be looked at in the call's own thread, a hop later.

    Only for a call, and when what must be known before it is known: the tool's schema, by which the
    SDK judges the headers that mirror arguments.
    """
    spoke_for = callers.known(knock)
    if message.get("method") != "tools/call" or spoke_for is None:
        return False
    schemas = offers.remembered(*spoke_for)
    if schemas is None or spoke_for[0] != knock.project_id:
        return False
    server.schema.set(schemas.get(requests.tool_of(message)))
    return True


async def _show_schema(caller: Caller, message: Message) -> None:
    """Lay out the tool's input schema; only of a tool that is offered to who asks."""
    server.schema.set(None)
    if message.get("method") != "tools/call" or caller.fault is not None:
        return
    known = await hop.over(offers.schemas, caller.holder.project_id, caller.agent_id)
    server.schema.set(known.get(requests.tool_of(message)))
