"""The MCP endpoint: who is let in, what an agent is shown, and what a call answers."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client as Browser

from awooop.errors import Code, Invalid
from awooop.kit.db import tenant_tx
from awooop.tenants.models import ApiKey
from awooop.tenants.modes import Mode
from contracts.models import Family
from gateway import offers, server
from gateway.models import Standing, Status, Tool
from gateway.serving import requests
from tests.gateway import agents
from tests.gateway.agents import HANDSHAKE, MODERN, Agent
from tests.gateway.governed import Governed
from tests.gateway.upstreams.good import Upstream

BOTH = (MODERN, HANDSHAKE)


@pytest.fixture
def agent(shop: Governed) -> Agent:
    offers.forget()
    return Agent("shop", agents.issue("shop", agent_id=shop.agent_id))


def told(problem: Any) -> tuple[int, dict[str, Any]]:
    return problem.status_code, problem.json()


class TestEntrance:
    def test_takes_no_request_without_a_key_for_tools(self, agent: Agent) -> None:
        answer = agent.ask("tools/list", authorization=None)
        assert (answer.status_code, answer.json()["code"]) == (401, Code.AUTH_MISSING.value)
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"
        answer = Agent("shop", agents.issue("shop", scopes=["runs"])).ask("tools/list")
        assert (answer.status_code, answer.json()["scope"]) == (403, "gateway")

    def test_another_project_looks_like_a_missing_one(self, agent: Agent, new_tenant: Any) -> None:
        new_tenant("other")
        seen = [told(Agent(name, agent.key).ask("tools/list")) for name in ("other", "nowhere")]
        assert seen[0] == seen[1]
        assert seen[0][0] == 404

    @pytest.mark.parametrize(
        ("length", "status"), [("²", 200), ("+2", 200), ("9" * 5_000, 413), ("1048577", 413)]
    )
    def test_a_length_that_is_none_stops_nothing(self, length: str, status: int) -> None:
        headers = {"host": "127.0.0.1", "content-type": "application/json"}
        found = 200
        try:
            requests.check({"method": "POST"}, {**headers, "content-length": length})
        except Invalid as reason:
            found = reason.code.http
        assert found == status

    def test_pages_of_other_sites_may_not_ask(self, agent: Agent, monkeypatch: Any) -> None:
        monkeypatch.setattr(settings, "CSRF_TRUSTED_ORIGINS", ["https://*.trusted.example"])
        for origin, status in {
            "https://evil.example": 403,
            "null": 403,
            "http://127.0.0.1.evil.example": 403,
            "https://trusted.example.evil": 403,
            "http://127.0.0.1": 200,
            "https://desk.trusted.example": 200,
        }.items():
            answer = agent.ask("ping", version=HANDSHAKE, origin=origin)
            assert (origin, answer.status_code) == (origin, status)

    def test_takes_posts_of_json_of_a_bounded_size(self, agent: Agent) -> None:
        fields = agent.fields("tools/list", {}, MODERN)
        assert agent.post(b"{}", fields, content_type="text/plain").status_code == 415
        huge = b'{"a": "' + b"a" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
        assert told(agent.post(huge, fields))[1]["code"] == Code.BODY_TOO_LARGE.value
        assert agent.post(b"{", fields).json()["error"]["code"] == -32700
        nul = agent.message("tools/call", {"name": "a\0", "arguments": {}}, MODERN)
        assert agent.post(nul, fields).status_code == 422
        answer = Browser().get("/mcp/shop/", headers={"host": "127.0.0.1"})
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        message = agent.message("ping", {}, HANDSHAKE)
        bare = agent.post(message, agent.fields("ping", {}, HANDSHAKE), path="/mcp/shop")
        assert bare.status_code == 200

    def test_asks_for_patience(self, agent: Agent, monkeypatch: Any) -> None:
        monkeypatch.setattr(settings, "THROTTLE_KEY_PER_MINUTE", 2)
        answers = [agent.ask("ping", version=HANDSHAKE) for _ in range(5)]
        assert answers[-1].status_code == 429
        assert int(answers[-1]["Retry-After"]) > 0
        monkeypatch.setattr(settings, "THROTTLE_ANONYMOUS_PER_MINUTE", 2)
        shown = (None, f"Bearer awp.shop.{'x' * 43}") * 4
        seen = [agent.ask("ping", authorization=each).status_code for each in shown]
        assert (seen[0], seen[1], seen[-2:]) == (401, 401, [429, 429])

    def test_a_key_opens_nothing_once_it_is_said_to_be_revoked(self, agent: Agent) -> None:
        for _ in range(2):
            assert "result" in agent.call("echo__shop")
        with tenant_tx("shop"):
            (key,) = ApiKey.objects.exclude(agent_id="")
        call_command("api_key", "shop", "revoke", str(key.id))
        for version in (MODERN, HANDSHAKE):
            answer = agent.ask(
                "tools/call", {"name": "echo__shop", "arguments": {}}, version=version
            )
            assert (answer.status_code, answer.json()["code"]) == (401, Code.AUTH_MISSING.value)
            assert answer["WWW-Authenticate"]
        assert len(agents.rows("shop")) == 2


class TestWhichAgent:
    def test_a_key_without_one_speaks_for_the_only_one_or_names_it(self, shop: Governed) -> None:
        assert Agent("shop", agents.issue("shop")).tools() != []
        shop.install(Family.AGENT, "second", {"agent_id": "second", "tools": []})
        key = agents.issue("shop")
        assert Agent("shop", key).tools(awooop_agent="second") == []
        assert Agent("shop", key).tools(awooop_agent=shop.agent_id) != []
        unnamed = Agent("shop", key).ask("tools/list").json()["error"]
        assert "second" in unnamed["message"]

    def test_a_key_speaks_for_its_own_agent_alone(self, agent: Agent) -> None:
        refused = agent.ask("tools/list", awooop_agent="second").json()["error"]
        assert refused["data"]["code"] == Code.AUTH_FORBIDDEN.value
        nobody = Agent("shop", agents.issue("shop", agent_id="nobody"))
        assert nobody.ask("tools/list").json()["error"]["data"]["code"] == Code.GATE_AGENT.value

    def test_nothing_in_the_message_tells_who_asks(self, agent: Agent, shop: Governed) -> None:
        meta = {
            "io.modelcontextprotocol/clientInfo": {"name": "second", "version": "1"},
            "agent_id": "second",
            "project_id": "other",
        }
        params = {"name": "echo__shop", "arguments": {}, "_meta": meta}
        assert "result" in agent.ask("tools/call", params).json()
        (row,) = agents.rows("shop")
        assert (row.agent_id, row.project_id) == (shop.agent_id, "shop")
        assert row.actor.startswith("key:")


class TestToolsList:
    def test_offers_what_is_granted_and_released(
        self, agent: Agent, shop: Governed, upstream: Upstream
    ) -> None:
        upstream.tool("secret")
        shop.offer("secret", upstream.tools["secret"].definition)
        with tenant_tx("shop"):
            Tool.objects.filter(tool_name="secret").update(standing=Standing.QUARANTINED)
        shop.sign()
        shop.install(
            Family.AGENT,
            shop.agent_id,
            {
                "agent_id": shop.agent_id,
                "tools": [
                    {"tool_name": name, "mcp_gateway_id": "shop", "scopes": ["read"]}
                    for name in ("secret", "slow", "echo")
                ],
            },
        )
        assert [tool["name"] for tool in agent.tools()] == ["echo__shop", "slow__shop"]

    def test_shows_definitions_as_released_with_stricter_hints(
        self, agent: Agent, shop: Governed
    ) -> None:
        definition = {
            "name": "drop_cache",
            "title": "Drop the cache",
            "description": "As reviewed.",
            "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "annotations": {"readOnlyHint": True, "destructiveHint": False, "title": "Drop"},
            "_meta": {"x": "a note of the server's"},
        }
        shop.offer("drop_cache", definition, is_destructive=True, scope="write")
        shop.sign()
        (shown,) = (tool for tool in agent.tools() if tool["name"] == "drop_cache__shop")
        assert shown == {
            **{key: definition[key] for key in ("title", "description", "inputSchema")},
            "name": "drop_cache__shop",
            "annotations": {"title": "Drop", "readOnlyHint": False, "destructiveHint": True},
        }

    def test_comes_in_pages(self, agent: Agent, monkeypatch: Any) -> None:
        monkeypatch.setattr(server, "PER_PAGE", 3)
        first = agent.ask("tools/list").json()["result"]
        second = agent.ask("tools/list", {"cursor": first["nextCursor"]}).json()["result"]
        names = [tool["name"] for page in (first, second) for tool in page["tools"]]
        assert names == ["echo__shop", "fail__shop", "slow__shop", "write__shop"]
        assert "nextCursor" not in second
        assert (first["ttlMs"], first["cacheScope"]) == (0, "private")
        assert agent.ask("tools/list", {"cursor": "ü"}).json()["error"]["code"] == -32602


class TestToolsCall:
    def test_answers_what_the_tool_said(self, agent: Agent) -> None:
        for version in BOTH:
            result = agent.call("echo__shop", {"pod": "web-1"}, version=version)["result"]
            assert "web-1" in result["content"][0]["text"]
            assert not result["isError"]
            row = agents.rows("shop")[-1]
            assert result["_meta"]["awooop.platform/call_id"] == str(row.call_id)
        result = agent.call("fail__shop")["result"]
        assert (result["isError"], result["content"][0]["text"]) == (True, "no such pod")

    def test_a_tool_that_is_not_granted_looks_like_none(
        self, agent: Agent, shop: Governed, upstream: Upstream
    ) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "A"}}}
        upstream.tool("hidden", schema=schema)
        shop.offer("hidden", upstream.tools["hidden"].definition)
        shop.sign()
        grants = [{"tool_name": "echo", "mcp_gateway_id": "shop", "scopes": ["read"]}]
        body = {"agent_id": shop.agent_id, "tools": grants}
        shop.install(Family.AGENT, shop.agent_id, body)
        seen = [agent.call(name, {"a": "1"}) for name in ("hidden__shop", "absent__shop")]
        for answer, name in zip(seen, ("hidden", "absent"), strict=True):
            assert answer["error"] == {
                "code": -32602,
                "message": f"Unknown tool: {name}__shop",
                "data": {"code": Code.GATE_TOOL.value},
            }
        assert upstream.calls == []
        assert [row.error_code for row in agents.rows("shop")] == [Code.GATE_TOOL.value] * 2

    def test_a_refusal_says_which_gate_and_what_to_do(
        self, agent: Agent, shop: Governed, upstream: Upstream
    ) -> None:
        shop.go(Mode.SHADOW)
        for version in BOTH:
            result = agent.call("write__shop", version=version)["result"]
            assert result["isError"]
            facts = result["structuredContent"]
            assert (facts["code"], facts["gate"]) == (Code.GATE_SHADOW.value, 4)
            assert facts["hint"] == Code.GATE_SHADOW.hint
            told = result["content"][0]["text"]
            assert told.startswith(f"{Code.GATE_SHADOW.value}: {Code.GATE_SHADOW.title}")
            assert ". Nothing was sent: " in told
        assert upstream.calls == []

    def test_continues_the_callers_trace(self, agent: Agent) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        agent.call("echo__shop", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        assert agents.rows("shop")[0].trace_id.split("-")[1] == trace

    def test_headers_must_mirror_the_arguments_they_stand_for(
        self, agent: Agent, shop: Governed, upstream: Upstream
    ) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "A"}}}
        upstream.tool("mirrored", schema=schema)
        shop.offer("mirrored", upstream.tools["mirrored"].definition)
        shop.sign()
        lies = agent.call("mirrored__shop", {"a": "1"}, mcp_param_a="2")
        assert lies["error"]["code"] == -32020
        assert "result" in agent.call("mirrored__shop", {"a": "1"}, mcp_param_a="1")


class TestOnTheWire:
    """Over a real port, with the SDK's own client."""

    def test_serves_under_its_own_names_only(self, agent: Agent) -> None:
        with agents.web() as base:
            fields = agent.fields("tools/list", {}, MODERN)
            body = agent.message("tools/list", {}, MODERN)
            seen = [
                httpx2.post(f"{base}/mcp/shop/", json=body, headers={**fields, "host": host})
                for host in ("localhost:9000", "evil.example", "")
            ]
        assert [answer.status_code for answer in seen] == [200, 403, 403]
        assert seen[0].headers["x-request-id"]
        assert seen[0].headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("mode", [MODERN, "legacy"])
    def test_lists_calls_and_passes_progress_on(
        self, agent: Agent, upstream: Upstream, mode: Any
    ) -> None:
        async def counts(arguments: Any, ctx: Any) -> str:
            for done in (1, 2, 3):
                await ctx.session.report_progress(done, 3, f"step {done}")
                await asyncio.sleep(0.01)
            return "counted"

        upstream.tools["echo"].answer = counts
        seen: list[Any] = []

        async def note(*progress: Any) -> None:
            seen.append(progress)

        async def use(base: str) -> Any:
            async with agent.client(base, mode=mode) as client:
                assert "echo__shop" in [tool.name for tool in (await client.list_tools()).tools]
                return await client.call_tool("echo__shop", {}, progress_callback=note)

        with agents.web() as base:
            result = asyncio.run(use(base))
        assert result.content[0].text == "counted"
        assert seen == [(1.0, 3.0, "step 1"), (2.0, 3.0, "step 2"), (3.0, 3.0, "step 3")]

    @pytest.mark.parametrize("token", [None, "p"])
    def test_a_client_that_goes_away_takes_its_read_with_it(
        self, agent: Agent, upstream: Upstream, token: str | None
    ) -> None:
        params: dict[str, Any] = {"name": "slow__shop", "arguments": {"seconds": 30}}
        if token:
            params["_meta"] = {"progressToken": token}

        async def leave(base: str) -> None:
            async with httpx2.AsyncClient() as http:
                asking = asyncio.create_task(_post(http, base, agent, params))
                await _until(lambda: bool(upstream.called("slow")))
                asking.cancel()

        with agents.web() as base:
            asyncio.run(leave(base))
            _settle(lambda: bool(agents.rows("shop")))
        (row,) = agents.rows("shop")
        assert (row.error_code, row.result_status) == (Code.CALLER_GONE.value, Status.ERROR)

    def test_a_client_of_the_handshake_calls_one_off(
        self, agent: Agent, upstream: Upstream
    ) -> None:
        params = {"name": "slow__shop", "arguments": {"seconds": 30}}
        off = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}

        async def cancel(base: str) -> Any:
            fields = agent.fields("x", {}, HANDSHAKE)
            async with httpx2.AsyncClient() as http:
                asking = asyncio.create_task(_post(http, base, agent, params, HANDSHAKE))
                await _until(lambda: bool(upstream.called("slow")))
                answer = await http.post(f"{base}/mcp/shop/", json=off, headers=fields)
                assert answer.status_code == 202
                return (await asking).json()

        with agents.web() as base:
            answer = asyncio.run(cancel(base))
            _settle(lambda: bool(agents.rows("shop")))
        assert answer["error"]["code"] == server.CANCELLED
        assert agents.rows("shop")[0].error_code == Code.CALLER_GONE.value


async def _post(
    http: httpx2.AsyncClient, base: str, agent: Agent, params: Any, version: str = MODERN
) -> httpx2.Response:
    fields = agent.fields("tools/call", params, version)
    del fields["host"]
    body = agent.message("tools/call", params, version)
    return await http.post(f"{base}/mcp/shop/", json=body, headers=fields, timeout=10)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def _settle(holds: Any) -> None:
    end = time.monotonic() + 5
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    assert holds()
