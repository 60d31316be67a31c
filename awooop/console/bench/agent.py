"""An agent at the door: the MCP SDK's own client, as many of them as are asked for."""

import asyncio
import time
from typing import Any

import httpx2
import uvloop
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from awooop.console.bench import client

_TIMEOUT_SECONDS = 30


def call(port: int, path: str, key: str, seconds: float, lines: int, tool: str) -> dict[str, Any]:
    """Call a tool for some seconds, by ``lines`` clients at once, each one call after another.

    :returns: see :func:`awooop.console.bench.client.summed`.
    """
    return uvloop.run(_call_all(f"http://127.0.0.1:{port}{path}", key, seconds, lines, tool))


async def _call_all(url: str, key: str, seconds: float, lines: int, tool: str) -> dict[str, Any]:
    ready = asyncio.Barrier(lines)
    ended = await asyncio.gather(
        *(_call(url, key, seconds, tool, ready) for _ in range(lines)),
    )
    return client.summed([taken for each in ended for taken in each], {}, seconds)


async def _call(
    url: str, key: str, seconds: float, tool: str, ready: asyncio.Barrier
) -> list[float]:
    taken: list[float] = []
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=_TIMEOUT_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http)) as session,
    ):
        await session.call_tool(tool, client.arguments(0))
        await ready.wait()
        until = time.monotonic() + seconds
        while (begun := time.monotonic()) < until:
            answer = await session.call_tool(tool, client.arguments(len(taken) + 1))
            taken.append(time.monotonic() - begun)
            if answer.is_error:
                raise RuntimeError(f"{url} answered {answer.content}")
    return taken
