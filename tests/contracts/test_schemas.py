"""The schema files: closed, described to the last field, and the seed's where one was given."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from contracts import bodies, schemas

GOLDEN = Path(bodies.__file__).parents[1] / "golden"
FAMILIES = schemas.families()
OPEN = {("agent", "/properties/output_schema")}  # any JSON Schema

UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SHA256 = "^[0-9a-f]{64}$"
MOMENT = {"type": ["string", "null"], "format": "date-time"}
RUN_STATE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://awooop.platform/contracts/v1/runtime_run_state",
    "type": "object",
    "required": ["run_id", "project_id", "agent_id", "state"],
    "additionalProperties": False,
    "properties": {
        "run_id": {"type": "string", "pattern": UUID},
        "project_id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{1,63}$"},
        "agent_id": {"type": "string"},
        "state": {
            "type": "string",
            "enum": [
                *("pending", "running", "waiting_approval", "waiting_tool"),
                *("completed", "failed", "cancelled", "timeout"),
            ],
        },
        "trace_id": {"type": "string"},
        "parent_run_id": {"type": ["string", "null"], "pattern": UUID},
        "trigger": {
            "type": "object",
            "required": ["trigger_type"],
            "additionalProperties": False,
            "properties": {
                "trigger_type": {
                    "type": "string",
                    "enum": ["channel_event", "schedule", "api", "sub_agent", "retry"],
                },
                "channel_event_id": {"type": "string"},
                "schedule_id": {"type": "string"},
                "triggered_by": {"type": "string"},
            },
        },
        "input_sha256": {"type": "string", "pattern": SHA256},
        "output_sha256": {"type": ["string", "null"], "pattern": SHA256},
        "started_at": MOMENT,
        "completed_at": MOMENT,
        "timeout_at": MOMENT,
        "error_code": {"type": ["string", "null"]},
        "cost_usd": {"type": ["number", "null"], "minimum": 0},
        "step_count": {"type": "integer", "minimum": 0, "default": 0},
    },
}


def walk(schema, at=""):
    """Every schema in a schema, with its place."""
    yield at, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, each in schema.get(keyword, {}).items():
            yield from walk(each, f"{at}/{keyword}/{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{at}/items")
    for index, each in enumerate(schema.get("oneOf", ())):
        yield from walk(each, f"{at}/oneOf/{index}")


def bare(schema):
    """A schema without its words."""
    if isinstance(schema, dict):
        words = ("title", "description", "examples")
        return {key: bare(each) for key, each in schema.items() if key not in words or each == {}}
    return schema


def fields(family):
    for at, schema in walk(schemas.of(family)):
        for name, each in schema.get("properties", {}).items():
            yield f"{at}/{name}", each


def filled(schema, body, root):
    """A body with the defaults of its schema."""
    schema = root["$defs"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
    for each in schema.get("oneOf", ()):
        made = root["$defs"].get(each.get("$ref", "/").split("/")[-1])
        if made and body and made["properties"]["kind"]["const"] == body["kind"]:
            return filled(made, body, root)
    if isinstance(body, list):
        return [filled(schema.get("items", {}), each, root) for each in body]
    if not isinstance(body, dict):
        return body
    given = {
        name: body.get(name, each.get("default"))
        for name, each in schema.get("properties", {}).items()
    }
    return {
        name: filled(schema["properties"].get(name, {}), value, root)
        for name, value in {**body, **given}.items()
        if value is not None
    } if "properties" in schema else body  # fmt: skip


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("family", FAMILIES)
class TestFiles:
    def test_are_valid_and_carry_their_own_address(self, family):
        schema = schemas.of(family)
        jsonschema_rs.meta.validate(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"https://awooop.platform/contracts/v1/{family}"

    def test_are_closed_everywhere(self, family):
        for at, schema in walk(schemas.of(family)):
            if "object" in schema.get("type", ()) and (family, at) not in OPEN:
                assert schema["additionalProperties"] is False, at

    def test_describe_every_field_with_an_example_that_fits(self, family):
        root = schemas.of(family)
        for at, field in fields(family):
            assert field["title"], at
            assert field["description"].endswith("."), at
            for example in field["examples"]:
                jsonschema_rs.validate({**field, "$defs": root.get("$defs", {})}, example)

    def test_have_defaults_that_fit(self, family):
        root = schemas.of(family)
        for _, field in fields(family):
            if "default" in field:
                jsonschema_rs.validate({**field, "$defs": root.get("$defs", {})}, field["default"])

    def test_say_the_default_of_every_field_that_may_be_left_out(self, family):
        if family == "runtime_run_state":
            return
        for at, schema in walk(schemas.of(family)):
            for name, each in schema.get("properties", {}).items():
                assert ("default" in each) != (name in schema.get("required", ())), f"{at}/{name}"

    def test_have_the_models_defaults(self, family):
        schema = schemas.of(family)
        for path in (GOLDEN / family / "valid").glob("*.json"):
            body = json.loads(path.read_text())
            read = bodies.read(family, body).model_dump()
            assert without_nulls(read) == without_nulls(filled(schema, body, schema)), path.stem


class TestOf:
    def test_reproduces_the_run_states_seed(self):
        assert bare(schemas.of("runtime_run_state")) == RUN_STATE

    @pytest.mark.parametrize("family", ["", "../errors", "Agent", "agent.json"])
    def test_knows_no_other_family(self, family):
        with pytest.raises(KeyError):
            schemas.of(family)
