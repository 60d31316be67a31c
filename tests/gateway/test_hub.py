"""The hub: a tool is called upstream, once, in time."""

import asyncio

from mcp import Client

from tests.gateway.upstreams import good


def test_the_upstream_of_the_tests_answers(upstream: good.Upstream) -> None:
    async def call() -> None:
        async with Client(upstream.url) as client:
            await client.call_tool("echo", {"a": 1})

    asyncio.run(call())
    assert [seen.arguments for seen in upstream.called("echo")] == [{"a": 1}]
