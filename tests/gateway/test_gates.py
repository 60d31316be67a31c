"""The five gates: each refuses for its own reason, and the first refusal is the answer."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from awooop.errors import Code
from awooop.tenants.modes import Mode
from contracts.bodies.policy import Policy
from contracts.queries import Active
from gateway import gates, verdicts
from gateway.catalog import Entry
from gateway.facts import Facts, Standing
from gateway.gates import Spent
from gateway.models import Level
from gateway.providers.base import Permit
from gateway.shapes import Call
from gateway.switches import Thrown

CALL = Call(
    project_id="acme",
    agent_id="sre",
    tool="get_pods__k8s",
    arguments={"namespace": "web"},
    actor="key:1",
    home_id="acme",
)
READ = {"tool_name": "get_pods", "is_destructive": False, "scope": "read"}
WRITE = {"tool_name": "restart_pods", "is_destructive": True, "scope": "write"}


def _facts(contract: dict[str, Any] = READ, policy: Any = None, **changed: Any) -> Facts:
    standing = Standing(
        mode=changed.pop("mode", Mode.ACTIVE),
        is_active=changed.pop("is_active", True),
        number=1,
        thrown=changed.pop("thrown", ()),
        permit=Permit(0),
    )
    active = Active(uuid4(), "0" * 64, {})
    entry = Entry("get_pods__k8s", "k8s", contract["tool_name"], contract, active)
    known = Facts(
        standing=standing,
        agent=active,
        entry=replace(entry, refusal=changed.pop("refusal", None)),
        scopes=("read", "write"),
        verdict=verdicts.of(contract, None, CALL.arguments),
        policies=(Policy.model_validate(policy or {}),),
        environment="production",
        action="ab" * 32,
        is_shadow=False,
    )
    return replace(known, **changed)


def _judged(call: Call, known: Facts, spent: Spent | None = None) -> Any:
    return gates.entrance(call, known) or gates.passage(call, known, spent or Spent())


def test_a_read_that_was_granted_passes_all_five() -> None:
    assert _judged(CALL, _facts()) is None


REFUSED = [
    (1, Code.GATE_TENANT, {"mode": None}),
    (1, Code.GATE_TENANT, {"is_active": False}),
    (1, Code.GATE_TENANT, {"mode": Mode.LEGACY}),
    (1, Code.KILLED, {"thrown": (Thrown(Level.PLATFORM, ""),)}),
    (1, Code.KILLED, {"thrown": (Thrown(Level.PROJECT, ""),)}),
    (1, Code.KILLED, {"thrown": (Thrown(Level.AGENT, "sre"),)}),
    (2, Code.GATE_AGENT, {"agent": None}),
    (3, Code.GATE_TOOL, {"entry": None}),
    (3, Code.GATE_TOOL, {"scopes": ()}),
    (3, Code.KILLED, {"thrown": (Thrown(Level.TOOL, "get_pods__k8s"),)}),
    (3, Code.GATE_PIN, {"refusal": "it changed"}),
    (3, Code.GATE_ARGUMENTS, {"misfits": ("/namespace is wrong",)}),
    (4, Code.GATE_SCOPE, {"contract": WRITE, "scopes": ("read",)}),
    (4, Code.GATE_SCOPE, {"environment": None}),
    (4, Code.GATE_SCOPE, {"contract": READ | {"environments": ["staging"]}}),
    (4, Code.GATE_SCOPE, {"is_policy_sound": False}),
    (4, Code.GATE_SHADOW, {"contract": WRITE, "is_shadow": True}),
    (5, Code.GATE_APPROVAL, {"contract": WRITE}),
    (5, Code.GATE_APPROVAL, {"contract": WRITE, "mode": Mode.SUGGEST}),
]


@pytest.mark.parametrize(("gate", "code", "changed"), REFUSED)
def test_each_reason_is_refused_at_its_gate(gate: int, code: Code, changed: Any) -> None:
    refusal = _judged(CALL, _facts(**changed))
    assert (refusal.gate, refusal.code) == (gate, code)
    assert refusal.reason


def test_the_first_refusal_is_the_answer() -> None:
    """Whatever is wrong besides, an earlier gate answers first: nothing more is learned."""
    for first in range(len(REFUSED)):
        for second in range(first, len(REFUSED)):
            both = REFUSED[second][2] | REFUSED[first][2]
            if _judged(CALL, _facts(**both)).gate > REFUSED[first][0]:
                pytest.fail(f"{both} passed gate {REFUSED[first][0]}")


class TestTenant:
    def test_refuses_a_credential_of_another_project(self) -> None:
        assert _judged(replace(CALL, home_id="other"), _facts()).code is Code.GATE_TENANT

    def test_ignores_switches_of_other_agents_and_tools(self) -> None:
        thrown = (Thrown(Level.AGENT, "other"), Thrown(Level.TOOL, "get_pods__other"))
        assert _judged(CALL, _facts(thrown=thrown)) is None


class TestTool:
    def test_its_switch_tells_nobody_who_was_not_granted_it(self) -> None:
        thrown = (Thrown(Level.TOOL, "get_pods__k8s"),)
        for unknown in ({"entry": None}, {"scopes": ()}):
            seen = [_judged(CALL, _facts(thrown=each, **unknown)) for each in (thrown, ())]
            assert seen[0] == seen[1]
        assert _judged(CALL, _facts(thrown=thrown, refusal="it changed")).code is Code.KILLED

    def test_its_switch_stops_what_was_let_through_before(self) -> None:
        known = _facts(thrown=(Thrown(Level.TOOL, "get_pods__k8s"),))
        assert gates.still(CALL, known).code is Code.KILLED
        assert gates.still(CALL, _facts()) is None


class TestScope:
    def test_stops_what_is_called_too_often(self) -> None:
        refusal = _judged(CALL, _facts(), Spent(wait=17))
        assert (refusal.code, refusal.retry_after) == (Code.GATE_RATE, 17)

    def test_a_name_that_harms_outweighs_a_contract_that_lies(self) -> None:
        lying = READ | {"tool_name": "delete_pods"}
        assert _judged(CALL, _facts(lying, is_shadow=True)).code is Code.GATE_SHADOW

    def test_annotations_only_tighten(self) -> None:
        harmful = verdicts.of(READ, {"annotations": {"destructiveHint": True}}, {})
        harmless = verdicts.of(WRITE, {"annotations": {"readOnlyHint": True}}, {})
        assert harmful.scope == "write"
        assert harmful.why
        assert harmless.why

    def test_obeys_a_rule_that_refuses(self) -> None:
        rule = {"name": "no", "decision": "refused", "tools": ["get_*"]}
        known = _facts(policy={"approval": {"rules": [rule]}})
        assert _judged(CALL, known).code is Code.GATE_SCOPE

    def test_is_as_strict_as_the_strictest_policy(self) -> None:
        lax = {"name": "yes", "decision": "no_approval", "scopes": ["write"]}
        known = _facts(WRITE, {"approval": {"rules": [lax]}})
        assert _judged(CALL, known) is None
        both = replace(known, policies=(*known.policies, Policy()))
        assert _judged(CALL, both).code is Code.GATE_APPROVAL


class TestApproval:
    def test_lets_a_fitting_ticket_through(self) -> None:
        assert _judged(CALL, _facts(WRITE), Spent(ticket="")) is None

    def test_refuses_a_ticket_that_does_not_fit_even_for_a_read(self) -> None:
        assert _judged(CALL, _facts(), Spent(ticket="not this")).code is Code.GATE_APPROVAL

    def test_asks_a_human_for_a_read_where_a_rule_wants_it(self) -> None:
        rule = {"name": "ask", "decision": "needs_approval", "agents": ["sre"]}
        assert _judged(CALL, _facts(policy={"approval": {"rules": [rule]}})).gate == 5

    def test_no_rule_waives_the_human_in_suggest_mode(self) -> None:
        rule = {"name": "yes", "decision": "no_approval", "scopes": ["write"]}
        known = _facts(WRITE, {"approval": {"rules": [rule]}}, mode=Mode.SUGGEST)
        assert _judged(CALL, known).gate == 5

    @pytest.mark.parametrize(
        ("bounds", "asks"), [({"maximum": 3}, False), ({"minimum": 3}, True), ({}, False)]
    )
    def test_rules_look_at_arguments(self, bounds: dict[str, int], asks: bool) -> None:
        rule = {"name": "few", "decision": "no_approval", "scopes": ["write"]}
        rule["arguments"] = [{"path": "/replicas", "required": True, **bounds}]
        call = replace(CALL, arguments={"replicas": 2})
        refusal = _judged(call, _facts(WRITE, {"approval": {"rules": [rule]}}))
        assert (refusal is not None) is asks


def test_scopes_reach_as_far_as_the_highest_granted() -> None:
    ranks = ["read", "write", "admin"]
    for granted in ranks:
        for needed in ranks:
            reaches = ranks.index(granted) >= ranks.index(needed)
            assert verdicts.covers([granted], needed) is reaches
    assert not verdicts.covers([], "read")
    assert not verdicts.covers(["root"], "read")
