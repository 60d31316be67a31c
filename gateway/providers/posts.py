"""Streamable HTTP below the SDK's session: each request is one POST that fails for itself alone.

The SDK's own transport multiplexes every answer through one stream, so that an error of one call
ends the session of all, and an answer may name another's id.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, cast

import anyio
from mcp.shared.dispatcher import (
    CallOptions,
    Dispatcher,
    OnNotify,
    OnNotifyIntercept,
    OnRequest,
    coerce_request_id,
)
from mcp.shared.exceptions import MCPError
from mcp.shared.transport_context import TransportContext
from mcp_types import (
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic_core import to_json

from awooop.errors import Code
from gateway.providers import messages, wire
from gateway.providers.base import Failed
from gateway.providers.ears import REMARKS, Ears
from gateway.providers.events import Events
from gateway.providers.http import Endpoint, Reply

_SESSION = "mcp-session-id"
_VERSION = "mcp-protocol-version"
_BOTH = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_ASIDE_SECONDS = 2.0  # for what is sent beside a call: cancellations, refusals
_MOST_ASIDE = 16
_NEWS_SECONDS = 5.0  # between two tries at the stream of news
_MOST_SESSION_ID = 1_024


class Posts(Dispatcher[TransportContext]):
    """The SDK's dispatcher over an endpoint.

    :param lost: set when the server has forgotten the session.
    """

    def __init__(self, endpoint: Endpoint, ears: Ears) -> None:
        self.lost = False
        self._endpoint, self._ears = endpoint, ears
        self._ids = itertools.count(1)
        self._session: dict[str, str] = {}
        self._version: dict[str, str] = {}
        self._closing = asyncio.Event()
        self._aside: set[asyncio.Task[None]] = set()
        self._on_request: OnRequest | None = None

    def failure(self) -> Failed | None:
        """Tell that the session is over, when it is."""
        if not self.lost:
            return None
        return Failed(Code.UPSTREAM_AWAY, "it has forgotten the session", sent=True)

    async def run(
        self,
        on_request: OnRequest,
        on_notify: OnNotify,
        on_notify_intercept: OnNotifyIntercept | None = None,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        self._on_request = on_request
        task_status.started()
        try:
            await self._closing.wait()
        finally:
            self._closing.set()
            for task in self._aside:
                task.cancel()

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        if self._closing.is_set():
            raise Failed(Code.UPSTREAM_AWAY, "the session was closed", sent=False)
        opts = opts or {}
        number = next(self._ids)
        params = dict(params or {})
        if "on_progress" in opts:
            params["_meta"] = {**(params.get("_meta") or {}), "progressToken": number}
        if method == "initialize":
            self._session, self._version = {}, {}
        exchange = wire.Exchange(wire.PERMIT.get())
        asked = _Request(number, method, params)
        try:
            if (within := opts.get("timeout")) is None:
                return await self._ask(asked, exchange, opts)
            async with asyncio.timeout(within):
                return await self._ask(asked, exchange, opts)
        except (asyncio.CancelledError, TimeoutError):
            if exchange.left:
                self._abandon(number, opts)
            raise

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        message = JSONRPCNotification(jsonrpc="2.0", method=method)
        if params is not None:
            message = JSONRPCNotification(jsonrpc="2.0", method=method, params=dict(params))
        await self._tell(message)
        if method == "notifications/initialized" and self._session:
            self._beside(self._news(), bounded=False)

    async def _ask(
        self, asked: "_Request", exchange: wire.Exchange, opts: CallOptions
    ) -> dict[str, Any]:
        headers = opts.get("headers") or {}
        if _VERSION in headers:
            self._version = {_VERSION: headers[_VERSION]}
        sent = {**_BOTH, **self._session, **headers}
        reply = await self._endpoint.send("POST", sent, exchange, asked.spelled())
        with contextlib.closing(reply):
            if asked.method == "initialize":
                self._keep_session(reply)
            if reply.status != 200:
                return await self._refusal(reply, asked)
            if reply.media_type == "text/event-stream":
                return await self._events(reply, asked, opts)
            if reply.media_type != "application/json":
                raise _broken("its answer is neither JSON nor a stream of events")
            return _result(await _read(await reply.body()), asked)

    async def _refusal(self, reply: Reply, asked: "_Request") -> dict[str, Any]:
        """Tell what an answer other than 200 means; one of JSON-RPC says it itself."""
        if reply.status == 404 and self._session:
            self.lost = True
            raise Failed(Code.UPSTREAM_AWAY, "it has forgotten the session", sent=True)
        if 400 <= reply.status < 600 and reply.media_type == "application/json":
            try:
                answer = await messages.read(await reply.body())
            except ValueError:
                answer = None
            if isinstance(answer, JSONRPCError):
                return _result(answer, asked)
        if reply.status in (429, 502, 503, 504):
            raise Failed(Code.UPSTREAM_AWAY, f"it answered HTTP {reply.status}", sent=True)
        raise _broken(f"it answered HTTP {reply.status}")

    async def _events(self, reply: Reply, asked: "_Request", opts: CallOptions) -> dict[str, Any]:
        on_progress, remarks = opts.get("on_progress"), REMARKS.get()
        async with contextlib.aclosing(_messages(reply)) as every:
            async for heard in every:
                if isinstance(heard, JSONRPCResponse | JSONRPCError):
                    reply.is_through = True
                    return _result(heard, asked)
                await self._hear(heard)
                report = _report(heard, asked.id)
                if on_progress is not None and report is not None:
                    await on_progress(*report)
                if remarks is not None:
                    remarks.hear(heard)
        raise Failed(Code.UPSTREAM_AWAY, "its stream ended without an answer", sent=True)

    async def _hear(self, heard: JSONRPCMessage) -> None:
        await self._ears.breathe()
        if self._ears.wants(heard) and isinstance(heard, JSONRPCRequest):
            self._beside(self._answer(heard))

    async def _answer(self, asked: JSONRPCRequest) -> None:
        """Let the session answer; it knows a ping and refuses everything else."""
        context = cast(Any, _Asked(asked.id))
        answer: JSONRPCMessage
        try:
            assert self._on_request is not None
            result = await self._on_request(context, asked.method, asked.params)
            answer = JSONRPCResponse(jsonrpc="2.0", id=asked.id, result=result)
        except MCPError as refusal:
            answer = JSONRPCError(jsonrpc="2.0", id=asked.id, error=refusal.error)
        except ValueError:
            error = ErrorData(code=INVALID_REQUEST, message="Invalid request")
            answer = JSONRPCError(jsonrpc="2.0", id=asked.id, error=error)
        await self._tell(answer)

    async def _tell(self, message: JSONRPCMessage) -> None:
        """Post what gets no answer; that it does not arrive is nobody's failure."""
        body = message.model_dump_json(exclude_unset=True).encode()
        headers = {**_BOTH, **self._session, **self._version}
        with contextlib.suppress(Failed, TimeoutError):
            async with asyncio.timeout(_ASIDE_SECONDS):
                reply = await self._endpoint.send("POST", headers, wire.Exchange(), body)
                with contextlib.closing(reply):
                    await reply.body()

    def _abandon(self, number: int, opts: CallOptions) -> None:
        """Tell the server that nobody waits any more; from 2026 on, hanging up says it."""
        version = (opts.get("headers") or {}).get(_VERSION)
        if not opts.get("cancel_on_abandon", True) or version in MODERN_PROTOCOL_VERSIONS:
            return
        params = {"requestId": number, "reason": "nobody waits for it any more"}
        method = "notifications/cancelled"
        self._beside(self._tell(JSONRPCNotification(jsonrpc="2.0", method=method, params=params)))

    async def _news(self) -> None:
        """Listen to what the server says between calls, for as long as it has such a stream."""
        headers = {**_BOTH, "Accept": "text/event-stream"}
        while not self.lost:
            try:
                sent = {**headers, **self._session, **self._version}
                reply = await self._endpoint.send("GET", sent, wire.Exchange())
                with contextlib.closing(reply):
                    if reply.status != 200 or reply.media_type != "text/event-stream":
                        return
                    async with contextlib.aclosing(_messages(reply)) as every:
                        async for heard in every:
                            await self._hear(heard)
            except Failed as reason:
                if reason.code not in (Code.UPSTREAM_AWAY, Code.UPSTREAM_TOO_LARGE):
                    return
            await asyncio.sleep(_NEWS_SECONDS)

    def _keep_session(self, reply: Reply) -> None:
        found = reply.header(_SESSION.encode())
        if found and len(found) <= _MOST_SESSION_ID and found.isascii() and found.isprintable():
            self._session = {_SESSION: found}

    def _beside(self, work: Coroutine[Any, Any, None], *, bounded: bool = True) -> None:
        if self._closing.is_set() or (bounded and len(self._aside) >= _MOST_ASIDE):
            work.close()
            return
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked of the server."""

    id: int
    method: str
    params: dict[str, Any]

    def spelled(self) -> bytes:
        message = {"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": self.params}
        return to_json(message, inf_nan_mode="null")


class _Asked:
    """What the session wants to know of a request."""

    def __init__(self, request_id: int | str) -> None:
        self.request_id = request_id


async def _read(raw: bytes) -> JSONRPCMessage:
    try:
        return await messages.read(raw)
    except ValueError:
        raise _broken("its answer is not a JSON-RPC message") from None


async def _messages(reply: Reply) -> AsyncGenerator[JSONRPCMessage, None]:
    """Yield the messages of a stream of events."""
    events = Events()
    async with contextlib.aclosing(reply.chunks()) as chunks:
        async for chunk in chunks:
            for data in events.feed(chunk):
                yield await _read(data)


def _result(answer: JSONRPCMessage, asked: _Request) -> dict[str, Any]:
    if not isinstance(answer, JSONRPCResponse | JSONRPCError):
        raise _broken("it answered a request with a request")
    refused_unread = isinstance(answer, JSONRPCError) and answer.id is None
    if not refused_unread and (answer.id is None or coerce_request_id(answer.id) != asked.id):
        raise _broken("it answered another request")
    if isinstance(answer, JSONRPCError):
        raise MCPError.from_error_data(answer.error)
    return answer.result


def _broken(detail: str) -> Failed:
    return Failed(Code.UPSTREAM_BROKEN, detail, sent=True)


def _report(
    heard: JSONRPCMessage, token: int | str
) -> tuple[float, float | None, str | None] | None:
    """Read a report of progress on the request with that token."""
    if not isinstance(heard, JSONRPCNotification) or heard.method != "notifications/progress":
        return None
    params = heard.params or {}
    progress, total, message = (params.get(key) for key in ("progress", "total", "message"))
    if params.get("progressToken") != token or not isinstance(progress, int | float):
        return None
    return (
        float(progress),
        float(total) if isinstance(total, int | float) else None,
        message if isinstance(message, str) else None,
    )
