"""A session with one MCP server: opened once, shared by calls, known to be over when it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import mcp_types as types
from mcp.client.session import ClientSession
from mcp.shared import inbound
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter

from awooop.errors import Code
from gateway.providers import stdio
from gateway.providers.base import Failed, Target
from gateway.providers.ears import Ears
from gateway.providers.http import Endpoint
from gateway.providers.posts import Posts

_ANY: TypeAdapter[Any] = TypeAdapter(dict[str, Any])
_NEWS_SECONDS = 5.0  # between two tries
_CLIENT = types.Implementation(name="awooop-gateway", version="1")
_PROBE_SECONDS = {
    "streamable_http": 3.0,
    "stdio": 10.0,
}  # to say it needs no handshake; or to start


class Client(ClientSession):
    """The SDK's session, told from outside which arguments a tool wants repeated in headers.

    By itself it knows that only of tools it has listed, which here another process may have done.
    """

    def learn(self, tool: str, schema: Mapping[str, Any]) -> None:
        """Take a tool's input schema as it was released."""
        fit = inbound.find_invalid_x_mcp_header(schema) is None
        self._x_mcp_header_maps[tool] = inbound.x_mcp_header_map(schema) if fit else {}

    async def _on_request(
        self, dctx: Any, method: str, params: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Answer a ping, and refuse the rest unread: to judge a request may take a server long."""
        if method != "ping":
            raise MCPError(code=types.METHOD_NOT_FOUND, message="Method not found", data=method)
        return {}


class Session:
    """What the SDK keeps of a server, held open by one task, as its scopes demand.

    :param handshake: whether the server is known to want one; found out when it is not.
    """

    def __init__(self, target: Target, ears: Ears, *, handshake: bool = False) -> None:
        self.handshake = handshake
        self.client: Client | None = None
        self._target, self._ears = target, ears
        self._over: Callable[[], Failed | None] = lambda: None
        self._opened: asyncio.Future[Client] | None = None
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def is_over(self) -> bool:
        """Whether the next call needs a new one."""
        if self._opened is None or not self._opened.done():
            return False
        return self.client is None or self.failure() is not None

    def failure(self) -> Failed | None:
        """Tell why it is over, when the server ended it."""
        return self._over()

    async def open(self) -> Client:
        """Return the SDK's session, ready for calls. Who waits last and leaves ends the try.

        :raises Failed: it cannot be opened.
        """
        if self.client is not None:
            return self.client
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._hold(self._opened))
        self._waiting += 1
        try:
            return await asyncio.shield(self._opened)
        finally:
            self._waiting -= 1
            if self._waiting == 0 and not self._opened.done() and self._task is not None:
                self._task.cancel()

    async def close(self) -> None:
        """End it; nothing under way is waited for."""
        self._stop.set()
        if self._task is not None:
            if self.client is None:
                self._task.cancel()
            await asyncio.wait({self._task}, timeout=5)

    async def _hold(self, opened: asyncio.Future[Client]) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                client = await stack.enter_async_context(self._connected())
                try:
                    await self._negotiate(client)
                except Exception as reason:  # noqa: BLE001 - told before the SDK's scopes wrap it
                    _tell(opened, self.failure() or reason)
                    return
                self.client = client
                if not opened.done():
                    opened.set_result(client)
                await _until(self._stop, beside=None if self.handshake else _hear_news(client))
        except BaseException as reason:  # noqa: BLE001 - told to whoever waits
            _tell(opened, reason)
        finally:
            self.client = None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        async with contextlib.AsyncExitStack() as stack:
            dispatcher: Any
            if self._target.transport["kind"] == "stdio":
                dispatcher, lines = await stack.enter_async_context(
                    stdio.opened(self._target, self._ears)
                )
                self._over = lambda: stdio.failed(lines) if lines.failure else None
            else:
                endpoint = Endpoint(self._target, self._ears)
                stack.push_async_callback(endpoint.close)
                dispatcher = posts = Posts(endpoint, self._ears)
                self._over = posts.failure
            yield await stack.enter_async_context(
                Client(dispatcher=dispatcher, client_info=_CLIENT)
            )

    async def _negotiate(self, client: Client) -> None:
        """Ask what the server speaks; whatever is no clear answer means: shake hands."""
        if not self.handshake:
            self.handshake = True  # until it says otherwise
            try:
                async with asyncio.timeout(_PROBE_SECONDS[self._target.transport["kind"]]):
                    await client.discover()
                self.handshake = False
                return
            except Failed as reason:
                if reason.code is not Code.UPSTREAM_BROKEN:
                    raise
            except (MCPError, ValueError, RuntimeError, TimeoutError):
                pass
        try:
            await client.initialize()
        except MCPError as refusal:
            if refusal.code != types.UNSUPPORTED_PROTOCOL_VERSION:
                raise
            await client.discover()  # it had heard the question, only too late for us


async def _until(stop: asyncio.Event, *, beside: Coroutine[Any, Any, None] | None) -> None:
    listening = asyncio.create_task(beside) if beside is not None else None
    try:
        await stop.wait()
    finally:
        if listening is not None:
            listening.cancel()
            await asyncio.wait({listening}, timeout=1)


async def _hear_news(client: Client) -> None:
    """Ask a server without handshakes to say when its tools change: the ears hear it."""
    wanted = types.SubscriptionFilter(tools_list_changed=True)
    params = types.SubscriptionsListenRequestParams(notifications=wanted)
    while True:
        try:
            await client.send_request(types.SubscriptionsListenRequest(params=params), _ANY)
        except (MCPError, ValueError, RuntimeError):
            return  # it knows no news
        except Failed as reason:
            if reason.code not in (Code.UPSTREAM_AWAY, Code.UPSTREAM_TOO_LARGE):
                return
        await asyncio.sleep(_NEWS_SECONDS)


def _tell(opened: asyncio.Future[Client], reason: BaseException) -> None:
    if not opened.done():
        opened.set_exception(_told(reason))
        opened.exception()  # somebody may have stopped waiting


def _told(reason: BaseException) -> Failed:
    if isinstance(reason, Failed):
        return Failed(reason.code, reason.detail, sent=False)
    if isinstance(reason, MCPError):
        detail = "it refuses to open a session"
    elif isinstance(reason, ValueError | RuntimeError):
        detail = "what it says of itself is not MCP"
    else:
        return Failed(Code.UPSTREAM_AWAY, "the session could not be opened", sent=False)
    return Failed(Code.UPSTREAM_BROKEN, detail, sent=False)
