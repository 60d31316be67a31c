"""Callers that wait for a human: held for a while, told what became of it, and never needed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from django.db import connections
from django.utils import timezone

from approvals.decisions import Decision
from approvals.models import Approval
from awooop.errors import Code
from awooop.kit.db import tenant_tx
from awooop.tenants.modes import Mode
from contracts.models import Family
from gateway import holding, humans, offers, switches
from gateway.models import Level, Status
from runs import leases
from tests.approvals.conftest import Office
from tests.conftest import Caller
from tests.gateway import agents
from tests.gateway.agents import HANDSHAKE, MODERN, Agent
from tests.gateway.governed import LAX
from tests.gateway.upstreams.good import Upstream

CALL, TOOLS = "/v1/platform/gateway/call", "/v1/platform/gateway/tools"
STATUS = humans.STATUS_TOOL


@pytest.fixture
def agent(office: Office) -> Agent:
    offers.forget()
    return Agent("shop", agents.issue("shop", agent_id=office.shop.agent_id))


async def off_loop(work: Callable[[], Any]) -> Any:
    def alone() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.to_thread(alone)


async def asked() -> Approval:
    """Wait until somebody is asked."""

    def look() -> Approval | None:
        with tenant_tx("shop"):
            return Approval.objects.filter(standing="pending").first()

    async with asyncio.timeout(20):
        while (found := await off_loop(look)) is None:
            await asyncio.sleep(0.02)
    return found


def decided(office: Office, decision: Decision = Decision.APPROVE) -> Callable[[], Any]:
    """Return what decides about whatever waits, and lets a worker go on."""

    async def act() -> None:
        approval = await asked()

        def decide() -> None:
            done = office.decide(approval.approval_id, "ann", decision, "seen")
            leases.requeue("shop", done.run_id)
            office.work()

        await off_loop(decide)

    return act


async def rest(base: str, agent: Agent, **body: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=30) as http:
        headers = {"Authorization": f"Bearer {agent.key}"}
        asked_for = {"tool": "write__shop", "arguments": {"n": 1}, **body}
        return await http.post(f"{base}{CALL}", json=asked_for, headers=headers)


async def mcp(base: str, agent: Agent, hold: str, version: str = MODERN) -> httpx2.Response:
    params = {"name": "write__shop", "arguments": {"n": 1}}
    fields = {**agent.fields("tools/call", params, version), "awooop-hold": hold}
    del fields["host"]
    body = agent.message("tools/call", params, version)
    async with httpx2.AsyncClient(timeout=30) as http:
        return await http.post(f"{base}/mcp/shop/", json=body, headers=fields)


def together(waits: Awaitable[Any], acts: Callable[[], Any]) -> Any:
    async def both() -> Any:
        answer, _ = await asyncio.gather(waits, acts())
        return answer

    return asyncio.run(both())


class TestHeldOverRest:
    def test_is_answered_with_what_the_tool_said(
        self, office: Office, agent: Agent, upstream: Upstream
    ) -> None:
        with agents.web() as base:
            answer = together(rest(base, agent, hold_seconds=20), decided(office))
        told = answer.json()
        assert (answer.status_code, told["status"], told["is_error"]) == (200, "success", False)
        assert told["content"][0]["text"] == "written"
        assert (answer.headers["content-type"], bool(answer.headers["x-request-id"])) == (
            "application/json",
            True,
        )
        assert len(upstream.calls) == 1

    def test_is_told_of_a_no(self, office: Office, agent: Agent, upstream: Upstream) -> None:
        with agents.web() as base:
            answer = together(rest(base, agent, hold_seconds=20), decided(office, Decision.REJECT))
        told = answer.json()
        assert (answer.status_code, told["code"]) == (403, Code.APPROVAL_REJECTED.value)
        assert (told["detail"], upstream.calls) == ("seen", [])

    def test_is_told_where_to_ask_when_nobody_decides_in_time(
        self, office: Office, agent: Agent
    ) -> None:
        with agents.web() as base:
            answer = asyncio.run(rest(base, agent, hold_seconds=0.2))
        told = answer.json()
        assert (answer.status_code, told["code"]) == (403, Code.GATE_APPROVAL.value)
        (row,) = office.shop.rows("awooop_approval")
        waiting = told["approval"]
        assert (waiting["approval_id"], waiting["status_tool"]) == (row["approval_id"], STATUS)
        assert waiting["link"] == f"/admin/approvals/shop/{row['approval_id']}/"

    def test_holds_no_thread(self, office: Office, agent: Agent) -> None:
        async def crowd(base: str) -> Any:
            held = [
                asyncio.create_task(rest(base, agent, arguments={"n": n}, hold_seconds=30))
                for n in range(34)
            ]
            try:
                async with asyncio.timeout(25):
                    while len(await off_loop(lambda: office.shop.rows("awooop_approval"))) < 34:
                        await asyncio.sleep(0.05)
                    reading = await rest(base, agent, tool="echo__shop")
                return reading, [task.done() for task in held]
            finally:
                for task in held:
                    task.cancel()
                await asyncio.gather(*held, return_exceptions=True)

        with agents.web() as base:
            reading, done = asyncio.run(crowd(base))
        assert reading.json()["status"] == "success"
        assert not any(done)

    def test_waits_without_an_event_loop_too(self, office: Office, agent: Agent) -> None:
        browser = Caller("shop", office.shop.agent_id, agent.key, agents.Browser())
        body = {"tool": "write__shop", "hold_seconds": 0.05}
        told = browser.post(CALL, body)
        assert (told.status_code, told.json()["code"]) == (403, Code.GATE_APPROVAL.value)
        for seconds in (-1, 51, "long"):
            assert browser.post(CALL, {**body, "hold_seconds": seconds}).status_code == 422


class TestHeldOverMcp:
    @pytest.mark.parametrize("version", [MODERN, HANDSHAKE])
    def test_is_answered_with_what_the_tool_said(
        self, office: Office, agent: Agent, upstream: Upstream, version: str
    ) -> None:
        with agents.web() as base:
            answer = together(mcp(base, agent, "20", version), decided(office))
        result = answer.json()["result"]
        assert (result["isError"], result["content"][0]["text"]) == (False, "written")
        made = office.shop.rows()[-1]
        assert result["_meta"]["awooop.platform/call_id"] == made["call_id"]
        assert len(upstream.calls) == 1

    def test_hears_that_it_waits_when_it_asked_for_progress(
        self, office: Office, agent: Agent, upstream: Upstream, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(holding, "_TELL_SECONDS", 0.05)
        monkeypatch.setattr(holding, "_LOOK_SECONDS", 0.05)
        seen: list[Any] = []
        heard = asyncio.Event()

        async def note(*progress: Any) -> None:
            seen.append(progress)
            heard.set()

        async def use(base: str) -> Any:
            async with agent.client(base, mode=MODERN) as client:
                return await client.call_tool("write__shop", {"n": 1}, progress_callback=note)

        async def act() -> None:
            await heard.wait()
            await decided(office)()

        agent.headers = {"awooop-hold": "20"}
        with agents.web() as base:
            result = together(use(base), act)
        assert result.content[0].text == "written"
        assert (seen[0][1], seen[0][2]) == (20.0, "waiting for a human")
        assert [each[0] for each in seen] == sorted({each[0] for each in seen})

    def test_who_leaves_loses_nothing(
        self, office: Office, agent: Agent, upstream: Upstream
    ) -> None:
        async def leave(base: str) -> Approval:
            held = asyncio.create_task(mcp(base, agent, "30"))
            approval = await asked()
            held.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await held
            return approval

        with agents.web() as base:
            approval = asyncio.run(leave(base))
        office.decide(approval.approval_id, "ann")
        office.work()
        told = agent.call(STATUS, {"approval_id": str(approval.approval_id)})["result"]
        assert told["structuredContent"]["disposition"] == "approved-executed"
        assert len(upstream.calls) == 1

    def test_holds_for_as_long_as_is_said_and_no_longer(self, office: Office, agent: Agent) -> None:
        told = agent.call("write__shop", awooop_hold="0.1")["result"]
        assert told["structuredContent"]["approval"]["status_tool"] == STATUS
        for said in ("51", "-1", "x", ""):
            wrong = agent.call("write__shop", awooop_hold=said)["error"]
            assert wrong["data"]["code"] == Code.BODY_INVALID.value


class TestStatusTool:
    def names(self, agent: Agent) -> list[str]:
        return [tool["name"] for tool in agent.tools()]

    def test_is_offered_to_whom_it_is_of_use(self, office: Office, agent: Agent) -> None:
        assert STATUS in self.names(agent)
        browser = Caller("shop", "", agent.key, agents.Browser())
        assert browser.get(TOOLS).json()["tools"] == agent.tools()
        office.shop.sign(LAX)
        assert STATUS not in self.names(agent)
        office.shop.go(Mode.SUGGEST)
        assert STATUS in self.names(agent)
        reads = [{"tool_name": "echo", "mcp_gateway_id": "shop", "scopes": ["read"]}]
        body = {"agent_id": office.shop.agent_id, "tools": reads}
        office.shop.install(Family.AGENT, office.shop.agent_id, body)
        assert self.names(agent) == ["echo__shop"]

    def test_tells_how_far_it_has_come_and_executes_nothing(
        self, office: Office, agent: Agent, upstream: Upstream
    ) -> None:
        waiting = agent.call("write__shop", {"n": 1})["result"]["structuredContent"]["approval"]
        named = {"approval_id": waiting["approval_id"]}
        before = agent.call(STATUS, named)["result"]
        assert (before["isError"], before["structuredContent"]["standing"]) == (False, "pending")
        assert before["structuredContent"]["result"] is None
        office.decide(waiting["run_id"], "ann")
        agent.call(STATUS, named)
        assert upstream.calls == []
        office.work()
        after = agent.call(STATUS, named)["result"]
        assert after["structuredContent"]["result"]["status"] == "success"
        assert after["content"][1]["text"] == "written"
        row = agents.rows("shop")[-1]
        assert (row.tool_name, row.result_status) == (STATUS, Status.SUCCESS)
        assert len(upstream.calls) == 1

    def test_tells_an_agent_of_its_own_requests_only(self, office: Office, agent: Agent) -> None:
        mine = office.ask(n=1).asked
        office.shop.install(Family.AGENT, "second", {"agent_id": "second", "tools": []})
        other = Agent("shop", agents.issue("shop", agent_id="second"))
        for who, named in ((other, mine.approval_id), (agent, uuid4())):
            told = who.call(STATUS, {"approval_id": str(named)})["result"]
            assert told["structuredContent"]["code"] == Code.APPROVAL_UNKNOWN.value
        for wrong in ({}, {"approval_id": "x"}, {"approval_id": str(uuid4()), "more": 1}):
            told = agent.call(STATUS, wrong)["result"]["structuredContent"]
            assert (told["code"], told["gate"]) == (Code.GATE_ARGUMENTS.value, 3)

    def test_is_stopped_by_no_switch_but_by_a_missing_contract(
        self, office: Office, agent: Agent
    ) -> None:
        named = {"approval_id": str(office.ask(n=1).asked.approval_id)}
        switches.throw(
            Level.PROJECT, project_id="shop", reason="fire", actor="op", at=timezone.now()
        )
        assert not agent.call(STATUS, named)["result"]["isError"]
        nobody = Agent("shop", agents.issue("shop", agent_id="nobody"))
        told = nobody.call(STATUS, named)["result"]["structuredContent"]
        assert told["code"] == Code.GATE_AGENT.value
