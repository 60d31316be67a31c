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
from gateway.offers import Offer
from gateway.serving import callers, flights, hop, requests
from gateway.serving.callers import Caller, Knock
from gateway.serving.replies import Reply
from gateway.serving.requests import Gone, Message, Receive, Scope, Send
from gateway.serving.seats import Seat

log = structlog.get_logger(__name__)

_LARGE = 4_096  # bytes of a request
_SOON_SECONDS = 0.05

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
        takes = self._may_stream and requests.takes_stream(headers)
        seat = Seat(
            knock,
            reply,
            streams=takes and requests.asks_to_hear(message),
            is_large=len(raw) > _LARGE,
        )
        may_hear = takes and requests.may_hear(headers)
        is_known, offer = _remembered(knock, message)
        if not is_known or seat.streams or (may_hear and offer is not None and offer.logs):
            seat.caller = await hop.over(callers.let_in, knock)
            offer = await _offer(seat.caller, message)
        if offer is not None and offer.logs and may_hear:
            seat.streams = True
        server.schema.set(offer.schema if offer is not None else None)
        if message.get("method") == "notifications/cancelled":
            flights.down(knock, requests.cancelled_id(message))
        scope = {**scope, "headers": requests.trimmed(scope), server.SEAT: seat}
        managers, again = self._managers, _again(raw, receive)
        if managers is not None:
            await _serve(managers[seat.streams], scope, again, receive, seat)
        else:  # a server that never announced its life
            async with _managers() as managers:
                await _serve(managers[seat.streams], scope, again, receive, seat)


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
    seat: Seat,
) -> None:
    """Let the SDK answer; a client that goes away takes its call with it."""
    reply = seat.reply
    if seat.streams:  # the SDK watches its streams itself
        await manager.handle_request(scope, again, reply.send)
        return
    with anyio.CancelScope() as whole:
        watch = _Watch(receive, whole)
        try:
            await manager.handle_request(scope, again, reply.send)
        finally:
            watch.end()
    if whole.cancelled_caught and not reply.has_begun:
        raise Gone


class _Watch:
    """Ends a request whose client goes away; most are answered before there is anything to see."""

    def __init__(self, receive: Receive, whole: anyio.CancelScope) -> None:
        self._receive, self._whole = receive, whole
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._begin)

    def end(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._see())

    async def _see(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._whole.cancel()


def _again(raw: bytes, receive: Receive) -> Receive:
    """Give the body that was read already, then whatever comes."""
    bodies: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

    async def give() -> Message:
        return bodies.pop() if bodies else await receive()

    return give


def _remembered(knock: Knock, message: Message) -> tuple[bool, Offer | None]:
    """Tell whether the key may be looked at in the call's own thread, a hop later, and the offer.

    Only for a call, and when what must be known before it is known: the tool's schema, by which the
    SDK judges the headers that mirror arguments, and whether there may be more than an answer.
    """
    spoke_for = callers.known(knock)
    if message.get("method") != "tools/call" or spoke_for is None:
        return False, None
    known = offers.remembered(*spoke_for)
    if known is None or spoke_for[0] != knock.project_id:
        return False, None
    return True, known.get(requests.tool_of(message))


async def _offer(caller: Caller, message: Message) -> Offer | None:
    """Return what is known of the tool to be called; only of one that is offered to who asks."""
    if message.get("method") != "tools/call" or caller.fault is not None:
        return None
    known = await hop.over(offers.lately, caller.holder.project_id, caller.agent_id)
    return known.get(requests.tool_of(message))
