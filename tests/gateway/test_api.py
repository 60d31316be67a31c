"""The gateway over REST: the same gates and the same record as over MCP."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from awooop.errors import Code
from awooop.kit import ids
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Operator, Role
from awooop.tenants.modes import Mode
from contracts.models import Family
from gateway import records
from gateway.models import Status, ToolCall
from tests.conftest import Caller
from tests.gateway import agents
from tests.gateway.governed import Governed
from tests.gateway.upstreams.good import Upstream

CALL, CALLS, TOOLS = (f"/v1/platform/gateway/{name}" for name in ("call", "calls", "tools"))


@pytest.fixture
def agent(shop: Governed) -> Caller:
    key = agents.issue("shop", agent_id=shop.agent_id)
    return Caller("shop", shop.agent_id, key, Browser(raise_request_exception=False))


def log(count: int, **fields: Any) -> list[ToolCall]:
    """Write calls straight into the record."""
    made = [
        ToolCall(
            project_id="shop",
            agent_id=fields.get("agent_id", "a"),
            actor="t",
            tool_name="t__shop",
            is_shadow=False,
            result_status=fields.get("result_status", Status.SUCCESS),
            args_sha256="0" * 64,
            run_id=fields.get("run_id"),
            created_at="2026-01-01T00:00:00Z",
        )
        for _ in range(count)
    ]
    with tenant_tx("shop"):
        return list(ToolCall.objects.bulk_create(made))


class TestCall:
    def test_answers_what_the_tool_said(self, agent: Caller, upstream: Upstream) -> None:
        answer = agent.post(CALL, {"tool": "echo__shop", "arguments": {"pod": "web-1"}})
        body = answer.json()
        assert (answer.status_code, body["status"], body["is_error"]) == (200, "success", False)
        assert "web-1" in body["content"][0]["text"]
        (row,) = agents.rows("shop")
        assert (body["call_id"], body["trace_id"]) == (str(row.call_id), row.trace_id)
        failed = agent.post(CALL, {"tool": "fail__shop"}).json()
        assert (failed["status"], failed["is_error"]) == ("error", True)

    def test_a_refusal_is_a_problem_with_the_gates_code(
        self, agent: Caller, shop: Governed, upstream: Upstream
    ) -> None:
        shop.go(Mode.SHADOW)
        refused = agent.post(CALL, {"tool": "write__shop"})
        body = refused.json()
        assert (refused.status_code, body["code"]) == (403, Code.GATE_SHADOW.value)
        assert (body["gate"], body["call_id"]) == (4, str(agents.rows("shop")[0].call_id))
        unknown = agent.post(CALL, {"tool": "absent__shop"}).json()
        assert (unknown["code"], unknown["hint"]) == (Code.GATE_TOOL.value, Code.GATE_TOOL.hint)
        shop.go(Mode.ACTIVE)
        shop.sign({"rate_limits": {"per_agent_per_minute": 1, "per_tool_per_minute": 1}})
        answers = [agent.post(CALL, {"tool": "echo__shop"}) for _ in range(4)]
        assert answers[-1].status_code == 429
        assert int(answers[-1]["Retry-After"]) > 0

    def test_one_key_has_one_effect(self, agent: Caller, upstream: Upstream) -> None:
        body = {"tool": "write__shop", "idempotency_key": "order-17"}
        assert agent.post(CALL, body).status_code == 200
        assert agent.post(CALL, body).status_code == 409
        assert len(upstream.called("write")) == 1

    def test_needs_a_key_of_the_gateway_and_its_own_agent(
        self, agent: Caller, upstream: Upstream
    ) -> None:
        runs = Caller("shop", "", agents.issue("shop", scopes=["runs"]), agent.client)
        assert runs.post(CALL, {"tool": "echo__shop"}).status_code == 403
        other = agent.post(CALL, {"tool": "echo__shop", "agent_id": "second"})
        assert (other.status_code, other.json()["code"]) == (403, Code.AUTH_FORBIDDEN.value)
        assert agent.post(CALL, {"tool": "echo__shop", "run_id": str(ids.new_id())}).json()[
            "code"
        ] == (Code.BODY_INVALID.value)
        assert upstream.calls == []


class TestTools:
    def test_lists_what_mcp_lists(self, agent: Caller, shop: Governed) -> None:
        shown = agent.get(TOOLS).json()
        assert shown["tools"] == agents.Agent("shop", agent.key).tools()
        assert shown["agent_id"] == shop.agent_id
        shop.install(Family.AGENT, "second", {"agent_id": "second", "tools": []})
        free = Caller("shop", "", agents.issue("shop"), agent.client)
        assert free.get(TOOLS).status_code == 422
        assert free.get(TOOLS, {"agent_id": "second"}).json()["tools"] == []
        gone = free.get(TOOLS, {"agent_id": "third"})
        assert (gone.status_code, gone.json()["code"]) == (403, Code.GATE_AGENT.value)


class TestCalls:
    def test_come_newest_first_in_pages_and_by_filter(self, agent: Caller) -> None:
        run_id = ids.new_id()
        old, blocked = log(3), log(2, result_status=Status.BLOCKED, run_id=run_id)
        wanted = [str(row.call_id) for row in reversed([*old, *blocked])]
        seen, address = [], f"{CALLS}?per_page=2"
        while address:
            page = agent.get(address).json()
            seen += [call["call_id"] for call in page["calls"]]
            address = page["next"]
        assert seen == wanted
        for query in ({"status": "blocked"}, {"run_id": str(run_id)}):
            found = agent.get(CALLS, query).json()
            assert [call["call_id"] for call in found["calls"]] == wanted[:2]
        assert agent.get(CALLS, {"agent_id": "b"}).json()["calls"] == []
        assert agent.get(CALLS, {"tool": "t__shop"}).json()["next"] is None

    def test_a_page_looks_through_so_many_and_goes_on(
        self, agent: Caller, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(records, "MOST_SEEN", 4)
        (wanted,) = log(1, agent_id="rare")
        log(9)
        page = agent.get(CALLS, {"agent_id": "rare"}).json()
        assert page["calls"] == []
        seen = 1
        while not page["calls"]:
            page, seen = agent.get(page["next"]).json(), seen + 1
        assert [call["call_id"] for call in page["calls"]] == [str(wanted.call_id)]
        assert seen == 2

    def test_are_seen_by_their_own_project_and_by_operators(
        self, agent: Caller, new_tenant: Any
    ) -> None:
        log(1)
        stranger = new_tenant("other")
        assert stranger.get(CALLS).json()["calls"] == []
        assert stranger.get(CALLS, {"project_id": "shop"}).json()["calls"] == []
        runs = Caller("shop", "", agents.issue("shop", scopes=["runs"]), agent.client)
        assert runs.get(CALLS).status_code == 403
        person = Operator.objects.create(username="ann", platform_role=Role.VIEWER)
        browser = Browser()
        browser.force_login(person, settings.AUTHENTICATION_BACKENDS[-1])
        assert len(browser.get(CALLS).json()["calls"]) == 1
