"""Log messages of servers: what a client hears of them, and what nobody hears."""

import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.utils import timezone

from awooop.kit.db import tenant_tx
from contracts.bodies.policy import Policy
from gateway import hub, offers, registry, remarks
from gateway.models import Provider
from gateway.providers import ears
from gateway.providers.base import Failed, Listener, Secret
from tests.gateway import agents
from tests.gateway.agents import HANDSHAKE, MODERN, Agent
from tests.gateway.governed import GATEWAY, Governed
from tests.gateway.upstreams import good, targets


class Heard(list[Any]):
    """Whoever listens to one call, and what they heard."""

    def listener(self, level: str = "debug") -> Listener:
        async def tell(*said: Any) -> None:
            self.append(said)

        return Listener(level, tell, lambda logger, data: (logger, str(data)[:1_000]))


def cleaned(logger: Any, data: Any, policy: Policy | None = None, *shown: str) -> Any:
    listener = remarks.overheard(
        Heard().listener(),
        [policy] if policy else [],
        [Secret(each, version="1") for each in shown],
    )
    assert listener is not None
    return listener.clean(logger, data)


class TestOverheard:
    def test_hides_secrets_wherever_they_stand(self) -> None:
        word, key = secrets.token_hex(12), f"AKIA{'Q7' * 8}"
        split = "\u200b".join(word)
        for data in (
            f"signed in with {word} and {key}",
            f"signed in with {split}",
            {"who": word, "deep": [{"key": key, word: 1}]},
            ["x" * 5_000, word],
            [word, "x" * 5_000],
            {"password": "correct horse"},
            "x" * (remarks.MOST - 10) + word,
        ):
            told = cleaned(f"log of {word}", data, None, word)
            assert word[:8] not in str(told)
            assert key not in str(told)
            assert "correct horse" not in str(told)

    def test_is_short_whatever_was_said(self) -> None:
        nested: Any = "end"
        for _ in range(60):
            nested = {"n": [nested]}
        wide = {str(number): "x" * 100 for number in range(20_000)}
        for data in ("x" * 1_000_000, wide, nested, ["x" * 1_000_000], 1.5, None, True):
            logger, text = cleaned("n" * 10_000, data)
            assert isinstance(text, str)
            assert len(text) <= remarks.MOST
            assert len(logger) <= 100
        assert cleaned(7, {"b": 1, "a": [None]}) == (None, '{"a":[null],"b":1}')

    def test_shows_no_hidden_characters(self) -> None:
        assert cleaned("\x1b[1mlog", "a\u200bb\U000e0041") == ("log", "ab")


CHILD = """
import json, sys
held = None
def say(told):
    print(json.dumps({"jsonrpc": "2.0", **told}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    tool = asked.get("params", {}).get("name")
    if asked["method"] == "initialize":
        version = asked["params"]["protocolVersion"]
        say({"id": asked["id"], "result": {"protocolVersion": version,
             "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}})
    elif tool == "hold":
        held = asked["id"]
    elif tool == "say":
        say({"method": "notifications/message", "params": {"level": "info", "data": "said"}})
        for each in filter(None, (held, asked["id"])):
            say({"id": each, "result": {"content": []}})
        held = None
    else:
        say({"id": asked["id"], "error": {"code": -32601, "message": "unknown"}})
"""


class TestServer:
    @pytest.fixture(autouse=True)
    def _fresh(self) -> Iterator[None]:
        yield
        hub.the().forget()

    def _start(self, target: Any, tool: str, heard: Heard, level: str = "debug", **how: Any) -> Any:
        return hub.the().call(
            target,
            tool,
            {},
            permit=targets.permit(),
            within=how.get("within", 10),
            listener=heard.listener(level),
        )

    @pytest.mark.parametrize("handshake_only", [False, True])
    def test_is_heard_from_the_level_on_that_matters(self, handshake_only: bool) -> None:
        async def speak(arguments: Any, ctx: Any) -> str:
            for level in ("debug", "info", "error"):
                await good.say(ctx, {"at": level}, level=level, logger="db")
            return "done"

        def configure(upstream: good.Upstream) -> None:
            upstream.handshake_only = handshake_only
            upstream.tool("speak", speak)

        heard = Heard()
        with good.serving(configure) as upstream:
            self._start(targets.http(upstream.url), "speak", heard, "info").result(6)
        assert heard == [("info", "db", "{'at': 'info'}"), ("error", "db", "{'at': 'error'}")]

    @pytest.mark.parametrize("a_second", [20, 10_000])
    def test_that_storms_is_heard_within_bounds(
        self, upstream: good.Upstream, monkeypatch: Any, a_second: int
    ) -> None:
        monkeypatch.setattr(ears, "_REPORTS", a_second)

        async def storm(arguments: Any, ctx: Any) -> str:
            for number in range(400):
                await good.say(ctx, str(number))
                await good.say(ctx, "x" * 5_000)
            return "done"

        upstream.tool("storm", storm)
        heard, begun = Heard(), time.monotonic()
        answer = self._start(targets.http(upstream.url), "storm", heard).result(12)
        spent = time.monotonic() - begun
        assert answer.content[0]["text"] == "done"
        assert 1 <= len(heard) <= min(100, a_second * (1 + spent))
        assert a_second == 20 or len(heard) == 100

    def test_that_says_what_is_no_message_is_not_heard(self, upstream: good.Upstream) -> None:
        async def stammer(arguments: Any, ctx: Any) -> str:
            for params in ({"level": "loud", "data": 1}, {"level": ["info"]}, {"data": 1}, None):
                await ctx.session._request_outbound.notify("notifications/message", params)
            await good.say(ctx, "clear")
            return "done"

        upstream.tool("stammer", stammer)
        heard = Heard()
        self._start(targets.http(upstream.url), "stammer", heard).result(6)
        assert heard == [("info", None, "clear")]

    def test_over_pipes_is_heard_by_a_call_that_is_alone(self) -> None:
        target = targets.stdio([sys.executable, "-S", "-c", CHILD])
        alone, first, second = Heard(), Heard(), Heard()
        self._start(target, "say", alone).result(12)
        assert alone == [("info", None, "said")]
        held = self._start(target, "hold", first)
        self._start(target, "say", second).result(6)
        held.result(6)
        assert first == second == [], "nobody knows to whom it was said"

    def test_over_pipes_is_not_heard_after_a_call_that_was_left(self) -> None:
        target = targets.stdio([sys.executable, "-S", "-c", CHILD])
        heard = Heard()
        self._start(target, "say", heard).result(12)
        with pytest.raises(Failed):
            self._start(target, "hold", Heard(), within=0.2).result(6)
        self._start(target, "say", heard).result(6)
        assert len(heard) == 1, "it may be what the other call's work said"


class TestClient:
    @pytest.fixture
    def agent(self, shop: Governed) -> Agent:
        offers.forget()
        return Agent("shop", agents.issue("shop", agent_id=shop.agent_id))

    def _announce(self, logs: bool) -> None:
        with tenant_tx("shop"):
            Provider.objects.filter(gateway_id=GATEWAY).update(logs=logs)

    @pytest.mark.filterwarnings("ignore:The logging capability is deprecated")
    @pytest.mark.parametrize(("mode", "level"), [(MODERN, "warning"), ("legacy", None)])
    def test_hears_the_servers_log_messages(
        self, agent: Agent, upstream: good.Upstream, mode: Any, level: Any
    ) -> None:
        async def speak(arguments: Any, ctx: Any) -> str:
            await good.say(ctx, "chatter", level="debug")
            await good.say(ctx, "token=" + "s3" * 12, level="warning", logger="db")
            return "done"

        async def use(base: str) -> Any:
            asked = {"mode": mode, "logging_callback": note, "log_level": level}
            async with agent.client(base, **asked) as client:
                if mode == "legacy":
                    assert client.server_capabilities.logging is not None
                    await client.session.set_logging_level("debug")
                return await client.call_tool("echo__shop", {})

        heard: list[Any] = []

        async def note(said: Any) -> None:
            heard.append((said.level, said.logger, said.data))

        self._announce(True)
        upstream.tools["echo"].answer = speak
        with agents.web() as base:
            result = asyncio.run(use(base))
        assert result.content[0].text == "done"
        (only,) = heard
        assert only[:2] == ("warning", "db")
        assert only[2].startswith("token=[secret:")

    def test_is_answered_in_one_piece_where_there_is_nothing_to_hear(self, agent: Agent) -> None:
        params = {"name": "echo__shop", "arguments": {}}

        def kind(base: str, version: str, **headers: str) -> Any:
            fields = {**agent.fields("tools/call", params, version), **headers}
            del fields["host"]
            body = agent.message("tools/call", params, version)
            answer = httpx2.post(f"{base}/mcp/shop/", json=body, headers=fields, timeout=10)
            return answer.headers["content-type"].split(";")[0]

        with agents.web() as base:
            for logs in (False, True):
                self._announce(logs)
                offers.forget()
                for _ in range(2):
                    expected = "text/event-stream" if logs else "application/json"
                    assert kind(base, HANDSHAKE) == expected
                    assert kind(base, MODERN) == "application/json", "it asked for none"
            assert kind(base, "2025-06-18", accept="application/json") != "text/event-stream"


class TestRefresh:
    @pytest.mark.parametrize("logs", [True, False])
    def test_notes_whether_a_server_announces_log_messages(
        self, shop: Governed, logs: bool
    ) -> None:
        with good.serving(lambda upstream: setattr(upstream, "logs", logs)) as upstream:
            shop.url = upstream.url
            shop.sign(timeout_seconds=4)
            registry.refresh("shop", GATEWAY, actor="test", at=timezone.now())
        with tenant_tx("shop"):
            assert Provider.objects.get(gateway_id=GATEWAY).logs is logs
