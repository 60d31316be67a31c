"""MCP servers as providers: what they offer, and one call at a time of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter
from pydantic_core import to_json

from awooop.errors import Code
from gateway.providers import base, messages, wire
from gateway.providers.base import Answer, Failed, Listener, Listing, Permit, Progress, Target
from gateway.providers.ears import Ears, Remarks, Reports
from gateway.providers.session import Client, Session

MOST_TOOLS = 2_000
MOST_PAGES = 50
_MOST_TEXT = 20_000  # of what a server says of itself

_RAW: TypeAdapter[Any] = TypeAdapter(dict[str, Any])  # checked by the SDK against the revision


class Mcp:
    """A server that speaks MCP, over HTTP or as a child."""

    def __init__(self, target: Target, list_changed: Callable[[], None]) -> None:
        self._target = target
        self._ears = Ears(target, list_changed)
        self._session = Session(target, self._ears)
        self._closing: set[asyncio.Task[None]] = set()
        self._schemas: dict[str, Mapping[str, Any]] = {}

    @property
    def refusals(self) -> int:
        """How often the server asked for sampling, elicitation, roots or the like."""
        return self._ears.refusals.total()

    @property
    def is_ready(self) -> bool:
        """Whether the session stands."""
        return self._session.client is not None and not self._session.is_over

    def learn(self, tool: str, schema: Mapping[str, Any]) -> None:
        """Take a tool's input schema: it may want arguments repeated in headers."""
        if self._schemas.get(tool) is not schema:
            self._schemas[tool] = schema
            if self._session.client is not None:
                self._session.client.learn(tool, schema)

    async def ready(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Bring the session up, whatever the call.

        :raises Failed: it cannot be; nothing was sent.
        """
        await self._open()

    async def tools(self) -> Listing:
        client = await self._open()
        try:
            tools, faults = await _pages(client)
        except Failed as reason:
            raise Failed(reason.code, reason.detail, sent=False) from None
        except (MCPError, ValueError, RuntimeError):
            raise self._failure(
                Code.UPSTREAM_BROKEN, "its list of tools is not MCP", False
            ) from None
        info = client.server_info
        return Listing(
            server_name=(info.name if info else "")[:_MOST_TEXT],
            server_version=(info.version if info else "")[:_MOST_TEXT],
            instructions=(client.instructions or "")[:_MOST_TEXT],
            tools=tuple(tools),
            faults=tuple(faults),
            logs=bool(client.server_capabilities and client.server_capabilities.logging),
        )

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        permit: Permit,
        progress: Progress | None,
        listener: Listener | None = None,
    ) -> Answer:
        client = await self._open()
        request = _asking(client, tool, arguments, listener)
        reports = Reports(progress) if progress is not None else None
        remarks = Remarks(listener) if listener is not None else None
        mark = wire.PERMIT.set(permit)
        try:
            with self._ears.during(remarks):
                result = await client.send_request(request, _RAW, progress_callback=reports)
        except MCPError as refusal:
            if self._session.failure() is not None:
                raise self._failure(Code.UPSTREAM_AWAY, "", True) from None
            return _refused(refusal.error)
        except (ValueError, RuntimeError):
            raise Failed(Code.UPSTREAM_BROKEN, "its answer is not MCP", sent=True) from None
        finally:
            wire.PERMIT.reset(mark)
            for each in (reports, remarks):
                if each is not None:
                    await each.told()
        return self._answer(result)

    async def close(self) -> None:
        await asyncio.gather(self._session.close(), *self._closing)

    async def _open(self) -> Client:
        if self._session.is_over:
            over, known = self._session, self._session.handshake
            self._session = Session(self._target, self._ears, handshake=known)
            task = asyncio.create_task(over.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        is_new = self._session.client is None
        client = await self._session.open()
        if is_new:
            for tool, schema in self._schemas.items():
                client.learn(tool, schema)
        return client

    def _answer(self, result: dict[str, Any]) -> Answer:
        if result.get("resultType") == "input_required":
            for asked in (result.get("inputRequests") or {}).values():
                self._ears.refused(str(asked.get("method")))
            return _text(
                "The tool asked for sampling, elicitation or roots, which it does not get."
            )
        content, structured = result.get("content"), result.get("structuredContent")
        if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
            raise Failed(Code.UPSTREAM_BROKEN, "its answer has no content", sent=True)
        if structured is not None and not isinstance(structured, dict):
            structured = {"result": structured}  # any JSON since 2026; agents get objects
        is_error = result.get("isError") not in (None, False)  # some servers say it in a word
        return Answer(tuple(content), structured, is_error)

    def _failure(self, code: Code, detail: str, sent: bool) -> Failed:
        reason = self._session.failure() or Failed(code, detail, sent=sent)
        return Failed(reason.code, reason.detail, sent=sent)


def _asking(
    client: Client, tool: str, arguments: Mapping[str, Any], listener: Listener | None
) -> types.CallToolRequest:
    """Return the request of a call; from 2026 on it says itself what it wants to hear."""
    params = types.CallToolRequestParams(name=tool, arguments=dict(arguments))
    if listener is not None and client.protocol_version in MODERN_PROTOCOL_VERSIONS:
        wanted: Any = {types.LOG_LEVEL_META_KEY: listener.level}
        params = params.model_copy(update={"meta": wanted})
    return types.CallToolRequest(params=params)


async def _pages(client: Client) -> tuple[list[dict[str, Any]], list[str]]:
    """Read page after page, within bounds; what is beyond them is a fault."""
    tools: list[dict[str, Any]] = []
    cursors: set[str] = set()
    cursor: str | None = None
    size = tokens = 0
    for _ in range(MOST_PAGES):
        params = types.PaginatedRequestParams(cursor=cursor)
        page = await client.send_request(types.ListToolsRequest(params=params), _RAW)
        spelled = to_json(page)
        size, tokens = size + len(spelled), tokens + messages.tokens(spelled)
        if size > base.MOST_BYTES or tokens > messages.MOST_TOKENS:
            return tools, ["the list is too large"]
        tools += page.get("tools") or ()
        if len(tools) > MOST_TOOLS:
            return tools[:MOST_TOOLS], [f"there are more than {MOST_TOOLS} tools"]
        cursor = page.get("nextCursor")
        if not cursor:
            return tools, []
        if cursor in cursors:
            return tools, ["the pages of the list run in a circle"]
        cursors.add(cursor)
    return tools, [f"the list has more than {MOST_PAGES} pages"]


def _refused(error: types.ErrorData) -> Answer:
    """Return a server's refusal in words, and which capabilities it misses, if it says so."""
    told = _text(f"{error.message} ({error.code})")
    data = error.data if isinstance(error.data, dict) else {}
    needs = data.get("requiredCapabilities")
    if error.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY and isinstance(needs, dict):
        return replace(told, structured={"requiredCapabilities": needs})
    return told


def _text(text: str) -> Answer:
    return Answer(content=({"type": "text", "text": text},), is_error=True)
