"""A hub that dwells on the loop that serves the web, and one that is there already."""

import asyncio
import json
from typing import Any

import pytest

from gateway import hub
from gateway.providers.base import Answer
from tests.gateway.upstreams import good, targets


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

    def test_a_hub_that_is_there_stays(self) -> None:
        async def serve() -> None:
            before = hub.the()
            async with hub.dwell_here():
                assert hub.the() is before
            assert hub.the() is before

        asyncio.run(serve())


def _call(target: Any, **arguments: Any) -> Answer:
    given: dict[str, Any] = {"permit": targets.permit(), "within": 5}
    answer: Answer = hub.the().call(target, "echo", arguments, **given).result(7)
    return answer
