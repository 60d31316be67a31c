"""``/mcp/{project_id}/``: MCP over Streamable HTTP as an ASGI application, without sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import structlog
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from awooop.errors import AwoooPError, Code
from awooop.kit import ids, rest
from gateway import offers, server
from gateway.serving import callers, flights, hop, requests
from gateway.serving.callers import Caller
from gateway.serving.replies import Reply
from gateway.serving.requests import Gone, Message, Receive, Scope, Send

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
            yield
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
        address = requests.address_of(scope)
        project_id = requests.project_of(scope)
        caller = await hop.over(callers.let_in, headers, address=address, project_id=project_id)
        raw = await requests.body_of(receive)
        message = requests.message_of(raw)
        if message.get("method") == "notifications/cancelled":
            flights.down(caller, requests.cancelled_id(message))
        await _show_schema(caller, headers, message)
        streams = self._may_stream and requests.wants_stream(headers, message)
        scope = {**scope, "headers": requests.trimmed(scope), server.CALLER: caller}
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


async def _show_schema(caller: Caller, headers: dict[str, str], message: dict[str, Any]) -> None:
    """Lay out the tool's input schema, by which the SDK judges the headers that mirror arguments.

    Only of a tool that is offered: the headers of others say nothing about them.
    """
    server.schema.set(None)
    version = headers.get("mcp-protocol-version", "")
    if message.get("method") != "tools/call" or version in HANDSHAKE_PROTOCOL_VERSIONS:
        return
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    if caller.fault is not None or not isinstance(name, str):
        return
    project_id, agent_id = caller.holder.project_id, caller.agent_id
    known = offers.remembered(project_id, agent_id)
    if known is None:
        known = await hop.over(offers.schemas, project_id, agent_id)
    server.schema.set(known.get(name))
