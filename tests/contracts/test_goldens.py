"""The golden bodies: what must hold holds, what must not does not, each for its one reason."""

import json
import time
from pathlib import Path

import pytest

from awooop.console import onboarding
from awooop.errors import Code, Invalid
from contracts import bodies, schemas
from contracts.models import Family

GOLDEN = Path(bodies.__file__).parents[1] / "golden"


def golden(where):
    return [
        pytest.param(
            path.parts[-3], json.loads(path.read_text()), id=f"{path.parts[-3]}/{path.stem}"
        )
        for path in sorted(GOLDEN.glob(f"*/{where}/*.json"))
    ]


def errors_of(family, body):
    with pytest.raises(Invalid) as refused:
        bodies.read(family, body)
    assert refused.value.code is Code.CONTRACT_INVALID
    return refused.value.facts["errors"]


class TestFamilies:
    def test_are_the_six_of_the_database_each_with_model_and_schema(self):
        assert set(bodies.MODELS) == set(schemas.families()) == set(Family.values)

    @pytest.mark.parametrize("family", Family.values)
    def test_have_enough_goldens(self, family):
        assert len(list((GOLDEN / family / "valid").glob("*.json"))) >= 6
        assert len(list((GOLDEN / family / "invalid").glob("*.json"))) >= 12


class TestRead:
    @pytest.mark.parametrize(("family", "body"), golden("valid"))
    def test_takes_what_is_valid(self, family, body):
        assert schemas.validator(family).is_valid(body)
        bodies.read(family, body)

    @pytest.mark.parametrize(("family", "body"), golden("invalid"))
    def test_refuses_what_is_invalid_for_one_reason(self, family, body):
        assert not schemas.validator(family).is_valid(body)
        assert len(errors_of(family, body)) == 1

    @pytest.mark.parametrize(("family", "body"), golden("beyond"))
    def test_refuses_what_no_schema_can_say_for_one_reason(self, family, body):
        assert schemas.validator(family).is_valid(body)
        assert len(errors_of(family, body)) == 1

    @pytest.mark.parametrize(("family", "body"), golden("invalid"))
    def test_says_it_in_words_that_do_not_repeat_the_value(self, family, body):
        for error in errors_of(family, body):
            assert "Input should" not in error["message"]
            assert "hunter2" not in json.dumps(error)

    def test_takes_what_onboarding_installs(self):
        for family, _, body in onboarding.contracts(
            onboarding.READ_ONLY_TOOLS,
            (("restart_deployment", "Restart."),),
            onboarding.Upstream(),
        ):
            bodies.read(family, body)

    def test_names_every_fault_at_once_with_its_place(self):
        body = {
            "agent_id": "A",
            "tools": [
                {"tool_name": "get_pods", "mcp_gateway_id": "x", "scopes": ["read", "read"]},
                {"tool_nam": "get_pods", "mcp_gateway_id": "x"},
                {"tool_name": "get_pods", "mcp_gateway_id": "x"},
            ],
            "limits": {"steps": True, "a/b": 1},
        }
        assert {error["field"]: error["message"] for error in errors_of("agent", body)} == {
            "/agent_id": "must be 1 to 100 of a-z 0-9 _ . - , beginning with a letter or a digit",
            "/limits/a~1b": "is not a field of this contract",
            "/limits/steps": "must be a whole number, not true or false",
            "/tools/0/scopes": "must not name anything twice",
            "/tools/1/tool_nam": "is not a field of this contract; did you mean tool_name?",
            "/tools/1/tool_name": "is required",
            "/tools/2/tool_name": "stands already at /tools/0",
        }

    def test_names_the_field_and_not_its_transport(self):
        body = {"provider": "p", "tools": [], "transport": {"kind": "stdio", "stdio": 1}}

        assert [error["field"] for error in errors_of("mcp_gateway", body)] == [
            "/transport/command",
            "/transport/stdio",
        ]

    def test_says_of_a_key_that_it_is_one(self):
        body = {"redaction": {"patterns": {"Order": "ORD-[0-9]{8}"}}}

        assert errors_of("policy", body) == [
            {
                "field": "/redaction/patterns/Order",
                "message": "as a key must be 1 to 24 of a-z 0-9 _ , beginning with a letter",
            }
        ]

    @pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\0", "\ud800", {1, 2}])
    def test_refuses_what_cannot_be_stored_and_hashed_alike(self, value):
        body = {"agent_id": "a", "tools": [], "output_schema": {"const": [value]}}

        assert [error["field"] for error in errors_of("agent", body)] == ["/output_schema/const/0"]

    @pytest.mark.parametrize("name", [1, None, "\0", "\ud800"])
    def test_refuses_keys_that_json_has_not(self, name):
        body = {"agent_id": "a", "tools": [], "output_schema": {name: 1}}

        assert [error["field"] for error in errors_of("agent", body)] == ["/output_schema"]

    def test_refuses_endless_nesting_in_one_sentence(self):
        deep: dict = {}
        for _ in range(100_000):
            deep = {"a": deep}

        (error,) = errors_of("agent", {"agent_id": "a", "tools": [], "output_schema": deep})
        assert error["message"] == "is nested more than 32 levels deep"

    def test_refuses_a_body_that_is_too_large(self):
        body = {"agent_id": "a", "tools": [], "output_schema": {"const": "x" * 262_144}}

        assert errors_of("agent", body) == [{"field": "", "message": "is larger than 256 KiB"}]

    def test_tells_at_most_two_hundred_faults(self):
        errors = errors_of("agent", {"agent_id": "a", "tools": [1] * 200, "x": 1, "y": 2})

        assert len(errors) == 201
        assert errors[-1]["message"] == "2 more faults"

    def test_tells_a_flood_of_faults_in_bounded_time(self):
        body = {"agent_id": "a", "tools": [], **{f"field-{n}": n for n in range(12_000)}}
        began = time.thread_time()

        assert len(errors_of("agent", body)) == 201
        assert time.thread_time() - began < 3
