"""A well-behaved MCP server for tests: the SDK's own, on a port or over pipes, that keeps a log.

In a thread of the test: ``with good.serving() as upstream``. As a process of its own, for a test
that kills this one: ``python good.py http LOG`` prints its address, ``python good.py stdio LOG``
speaks on its pipes; LOG gets one JSON line for each tools/call as it arrives.
"""

import asyncio
import contextlib
import inspect
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError

OBJECT = {"type": "object"}


@dataclass(frozen=True)
class Seen:
    """One tools/call as it arrived."""

    tool: str
    arguments: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False)
    at: float


@dataclass
class Tool:
    """What is listed, and what is answered: text, or a result as MCP spells it, or a maker of it.

    A maker takes the arguments, may be a coroutine function, and may raise.
    """

    definition: dict[str, Any]
    answer: Any = "ok"


class Upstream:
    """The server's tools, and what it was asked to do."""

    def __init__(self, log: Path | None = None) -> None:
        self.url = ""
        self.calls: list[Seen] = []
        self.listings = 0
        self.tools: dict[str, Tool] = {}
        self.instructions: str | None = None
        self.server_name = "good"
        self.server_version = "1.0"
        self.handshake_only = False
        self.logs = False
        self.bus = InMemorySubscriptionBus()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._log = log
        self.tool("echo", lambda arguments: json.dumps(arguments, sort_keys=True))
        self.tool("slow", _slow, schema={**OBJECT, "properties": {"seconds": {"type": "number"}}})
        self.tool("fail", {"content": [{"type": "text", "text": "no such pod"}], "isError": True})

    def tool(
        self,
        name: str,
        answer: Any = "ok",
        *,
        description: str = "",
        schema: Mapping[str, Any] | None = None,
        **definition: Any,
    ) -> None:
        """Offer a tool, or change it; further fields are named as MCP names them."""
        self.tools[name] = Tool(
            {
                "name": name,
                "description": description or f"The tool {name}.",
                "inputSchema": dict(schema or OBJECT),
                **definition,
            },
            answer,
        )

    def announce(self) -> None:
        """Tell whoever listens that the tools have changed."""
        assert self.loop is not None
        news = self.bus.publish(ToolsListChanged())
        asyncio.run_coroutine_threadsafe(news, self.loop).result(5)

    def withdraw(self, name: str) -> None:
        del self.tools[name]

    def called(self, tool: str) -> list[Seen]:
        return [seen for seen in self.calls if seen.tool == tool]

    def server(self) -> Server[Any]:
        server: Server[Any] = Server(
            self.server_name,
            version=self.server_version,
            instructions=self.instructions,
            get_tool_input_schema=lambda name: None,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_subscriptions_listen=ListenHandler(self.bus),
        )
        if self.logs:
            server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
        if self.handshake_only:
            server.middleware.append(_refuse_to_discover)
        return server

    async def _list_tools(self, ctx: Any, params: Any) -> Any:
        self.listings += 1
        self.loop = asyncio.get_running_loop()
        found = {"tools": [tool.definition for tool in self.tools.values()]}
        if ctx.protocol_version >= "2026-07-28":
            found |= {"ttlMs": 0, "cacheScope": "private", "resultType": "complete"}
        return found

    async def _call_tool(self, ctx: Any, params: types.CallToolRequestParams) -> Any:
        result = await self._answer(ctx, params)
        is_old = ctx.protocol_version < "2026-07-28"
        return result if is_old else {"resultType": "complete", **result}

    async def _answer(self, ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
        headers = dict(getattr(ctx.request, "headers", None) or {})
        seen = Seen(params.name, params.arguments or {}, headers, time.monotonic())
        self.calls.append(seen)
        if self._log is not None:
            with self._log.open("a") as file:
                file.write(json.dumps({"tool": seen.tool, "arguments": seen.arguments}) + "\n")
        tool = self.tools.get(params.name)
        if tool is None:
            return {"content": [{"type": "text", "text": "unknown tool"}], "isError": True}
        answer = tool.answer
        if callable(answer):
            wants_ctx = len(inspect.signature(answer).parameters) > 1
            answer = answer(seen.arguments, ctx) if wants_ctx else answer(seen.arguments)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, str):
            return {"content": [{"type": "text", "text": answer}]}
        return answer if "resultType" in answer else {"content": [], **answer}


async def say(ctx: Any, data: Any, *, level: Any = "info", logger: Any = None) -> None:
    """Say something beside the answer of the call that a maker was given; any level at all."""
    said = types.LoggingMessageNotificationParams(level=level, logger=logger, data=data)
    await ctx.session.send_notification(
        types.LoggingMessageNotification(params=said), related_request_id=ctx.request_id
    )


async def _set_level(ctx: Any, params: Any) -> Any:
    return types.EmptyResult()


async def _refuse_to_discover(ctx: Any, call_next: Any) -> Any:
    """Behave as servers did before 2026."""
    if ctx.method == "server/discover":
        raise MCPError(code=types.METHOD_NOT_FOUND, message="Method not found")
    return await call_next(ctx)


async def _slow(arguments: Mapping[str, Any]) -> str:
    await asyncio.sleep(float(arguments.get("seconds", 1)))
    return "late"


class _Served(uvicorn.Server):
    """Leaves the test's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(
    upstream: Upstream, listening: socket.socket, pem: Path | None = None, **options: Any
) -> _Served:
    scheme = "https" if pem else "http"
    upstream.url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/mcp"
    config = uvicorn.Config(
        upstream.server().streamable_http_app(**{"stateless_http": True, **options}),
        ssl_certfile=pem,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return _Served(config)


def _listen(port: int = 0) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(256)
    return listening


@contextlib.contextmanager
def serving(
    configure: Callable[[Upstream], None] = lambda upstream: None, *, port: int = 0, **options: Any
) -> Iterator[Upstream]:
    """Serve on a port of 127.0.0.1 from a thread; further options are the SDK's app's."""
    upstream = Upstream()
    configure(upstream)
    with _listen(port) as listening:
        server = _server(upstream, listening, **options)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="upstream", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield upstream
        finally:
            server.should_exit = True
            thread.join(5)


async def _stdio(upstream: Upstream) -> None:
    server = upstream.server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def environment(*found: Any) -> None:
    """Speak on the pipes, with a tool that tells what a child finds round itself."""
    upstream = Upstream()
    upstream.tool("environment", json.dumps(found))
    asyncio.run(_stdio(upstream))


def main(kind: str, log: str) -> None:
    upstream = Upstream(Path(log))
    if kind == "stdio":
        asyncio.run(_stdio(upstream))
        return
    with _listen() as listening:
        server = _server(upstream, listening)
        sys.stdout.write(upstream.url + "\n")
        sys.stdout.flush()
        server.run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
