"""A NUL character in what is asked: refused by name at every door, with nothing written half."""

import json
from typing import Any

import pytest

from awooop.errors import Code
from gateway import calls, offers
from gateway.models import Status
from tests.approvals.conftest import Office
from tests.conftest import Caller
from tests.gateway import agents
from tests.gateway.agents import HANDSHAKE, MODERN, Agent
from tests.gateway.upstreams.good import Upstream

NUL = ({"n": "a\0b"}, {"n": [{"deep": "\0"}]}, {"n\0": 1}, {"n": "\\\0"})
HALVES = ("awooop_approval", "awooop_run_state", "awooop_tool_effect")


@pytest.fixture
def agent(office: Office) -> Agent:
    offers.forget()
    return Agent("shop", agents.issue("shop", agent_id=office.shop.agent_id))


def nothing(office: Office, upstream: Upstream) -> bool:
    return not upstream.calls and not any(office.shop.rows(table) for table in HALVES)


class TestNul:
    @pytest.mark.parametrize("arguments", NUL)
    def test_is_an_invalid_body_over_rest(
        self, office: Office, agent: Agent, upstream: Upstream, arguments: Any
    ) -> None:
        browser = Caller("shop", "", agent.key, agents.Browser())
        asked = {"tool": "write__shop", "arguments": arguments}
        answer = browser.post("/v1/platform/gateway/call", asked)
        assert (answer.status_code, answer.json()["code"]) == (422, Code.BODY_INVALID.value)
        assert nothing(office, upstream)

    @pytest.mark.parametrize("version", [MODERN, HANDSHAKE])
    def test_is_an_invalid_body_over_mcp(
        self, office: Office, agent: Agent, upstream: Upstream, version: str
    ) -> None:
        for arguments in NUL:
            params = {"name": "write__shop", "arguments": arguments}
            answer = agent.ask("tools/call", params, version=version)
            assert (answer.status_code, answer.json()["code"]) == (422, Code.BODY_INVALID.value)
        assert nothing(office, upstream)

    @pytest.mark.parametrize("version", [MODERN, HANDSHAKE])
    def test_is_refused_where_only_the_sdk_reads_the_body(
        self, office: Office, agent: Agent, upstream: Upstream, version: str
    ) -> None:
        """NaN is no JSON to us, so that the body is the SDK's to judge, and it takes both."""
        params = {"name": "write__shop", "arguments": {"n": "\0", "m": "NAN"}}
        body = json.dumps(agent.message("tools/call", params, version)).replace('"NAN"', "NaN")
        told = agent.post(body, agent.fields("tools/call", params, version)).json()["result"]
        assert told["structuredContent"]["code"] == Code.GATE_ARGUMENTS.value
        assert nothing(office, upstream)

    def test_is_refused_by_the_third_gate_wherever_else_it_comes_from(
        self, office: Office, upstream: Upstream
    ) -> None:
        for tool in ("write", "echo"):
            for arguments in NUL:
                told = calls.call_tool(office.shop.call(tool, arguments))
                assert (told.status, told.code) == (Status.BLOCKED, Code.GATE_ARGUMENTS)
                assert "NUL" in told.reason
        assert nothing(office, upstream)
        assert len(office.shop.rows()) == 2 * len(NUL)

    def test_is_not_what_only_spells_it(self, office: Office) -> None:
        assert office.ask(n="\\u0000").asked is not None
