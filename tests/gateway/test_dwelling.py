"""A hub that dwells on the loop that serves the web, and one that is there already."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from awooop.errors import Code
from gateway import calls, hub
from gateway.models import Status
from gateway.providers.base import Answer, Failed
from gateway.shapes import Result
from tests.gateway.governed import Governed
from tests.gateway.upstreams import good, targets
from tests.gateway.upstreams.good import Upstream


class TestDwelling:
    def test_calls_from_its_own_loop_and_from_threads_share_a_session(
        self, upstream: good.Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "_hub", None)  # as in a process that has not called yet
        target = targets.http(upstream.url)

        async def serve() -> list[Answer]:
            async with hub.dwell_here():
                here, loop = hub.the(), asyncio.get_running_loop()
                assert here.is_here
                given: dict[str, Any] = {"permit": targets.permit(), "within": 5}
                inside = await here.asking(target, "echo", {"from": "the loop"}, **given)
                outside = await loop.run_in_executor(None, lambda: _call(target, way="a thread"))
                return [inside, outside]

        texts = [answer.content[0]["text"] for answer in asyncio.run(serve())]
        assert [json.loads(text) for text in texts] == [{"from": "the loop"}, {"way": "a thread"}]
        assert len({each.headers.get("mcp-session-id") for each in upstream.calls}) == 1
        assert not hub.the().is_here, "what dwelt there is gone; the next hub has its own thread"

    def test_a_deadline_ends_a_call_and_not_its_task(
        self, upstream: good.Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "_hub", None)
        target = targets.http(upstream.url)

        async def serve() -> tuple[Code, Answer]:
            async with hub.dwell_here():
                ask = partial(hub.the().asking, target, permit=targets.permit())
                with pytest.raises(Failed) as late:
                    await ask("slow", {"seconds": 30}, within=0.5)
                return late.value.code, await ask("echo", {}, within=5)

        code, answer = asyncio.run(serve())
        assert code is Code.UPSTREAM_LATE
        assert answer.content

    def test_a_hub_that_is_there_stays(self) -> None:
        async def serve() -> None:
            before = hub.the()
            async with hub.dwell_here():
                assert hub.the() is before
            assert hub.the() is before

        asyncio.run(serve())


class TestCalls:
    """Calls made on the loop where the hub dwells, as the web makes them."""

    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub, "_hub", None)

    def test_many_at_once_are_answered_and_recorded(self, shop: Governed) -> None:
        async def serve() -> list[Result]:
            async with hub.dwell_here():
                asked = [partial(shop.call, "echo", {"number": number}) for number in range(20)]
                return await asyncio.gather(*map(calls.acall_tool, asked))

        ends = asyncio.run(serve())
        assert {end.status for end in ends} == {Status.SUCCESS}
        assert len(shop.rows()) == 20

    def test_a_read_is_cancelled_with_its_caller(self, shop: Governed, upstream: Upstream) -> None:
        asyncio.run(asyncio.wait_for(_left(shop, upstream, "slow", {"seconds": 30}), 10))
        assert [row["error_code"] for row in shop.rows()] == [Code.CALLER_GONE.value]

    def test_an_effect_outlives_its_caller(self, shop: Governed, upstream: Upstream) -> None:
        async def late(arguments: Any) -> str:
            await asyncio.sleep(0.3)
            return "done"

        upstream.tool("write", late)
        asyncio.run(asyncio.wait_for(_left(shop, upstream, "write", {}), 10))
        assert [row["outcome"] for row in shop.rows("awooop_tool_effect")] == ["executed"]


async def _left(shop: Governed, upstream: Upstream, tool: str, arguments: dict[str, Any]) -> None:
    async with hub.dwell_here():
        call = partial(shop.call, tool, arguments)
        task = asyncio.create_task(calls.acall_tool(call))
        while not upstream.calls:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await shop.first_row()


def _call(target: Any, **arguments: Any) -> Answer:
    given: dict[str, Any] = {"permit": targets.permit(), "within": 5}
    answer: Answer = hub.the().call(target, "echo", arguments, **given).result(7)
    return answer
