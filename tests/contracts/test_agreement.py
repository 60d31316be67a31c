"""Schema file and model say the same of every body, whichever of the two it was made from.

`AGREEMENT_EXAMPLES=2000` looks further than the suite has time for.
"""

import copy
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from awooop.errors import Invalid
from awooop.kit import canonical
from contracts import bodies, schemas
from contracts.bodies import reading
from tests.contracts.values import ANY, fitting

GOLDEN = Path(bodies.__file__).parents[1] / "golden"
FAMILIES = sorted(bodies.MODELS)
EXAMPLES = int(os.environ.get("AGREEMENT_EXAMPLES", "25"))
patient = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

ODD = [
    *(None, True, False, 0, 1, -1, 1.0, 1.5, -0.0, 1e300, 2**53 - 1, 10**12, "", "0", "1", "1.00"),
    *("a", "A", "read", "get_pods\n", "a__b", "_", "ü", "\u0660", "x" * 101, "x" * 2_001, "*", "/"),
    *("2026-01-31T08:15:30Z", "2026-01-31t08:15:60z", "2026-12-31T23:59:60Z", "1-1-1", "UTC"),
    *("2026-01-31T24:00:00Z", "2026-01-31T08:15:30.Z", "2026-01-31T08:15:30+24:00"),
    *("env:A", "file:/a", "file:/a/../b", "k8s:a/b#c", "http://[::1]", "http://a/?b", "sha256"),
    *([], {}, [None], [1, 1.0], [True, 1], ["a", "a"], {"kind": "stdio"}, {"a": 1}, [[]]),
]


def model_takes(family, body):
    try:
        bodies.MODELS[family].model_validate(body)
    except ValidationError:
        return False
    return True


def agree(family, body):
    assume(not list(reading.foreign(body)))
    by_schema = schemas.validator(family).is_valid(body)
    assert model_takes(family, body) == by_schema, json.dumps(body)
    return by_schema


WORDS = {"title", "description", "default", "examples", "discriminator", "$schema", "$id", "$defs"}


def normal(schema, root):
    """A schema in one spelling, without words: null apart, references followed."""
    if "$ref" in schema:
        return normal(root["$defs"][schema["$ref"].split("/")[-1]], root)
    schema = {key: each for key, each in schema.items() if key not in WORDS}
    shapes = [normal(each, root) for each in schema.pop("anyOf", schema.pop("oneOf", []))]
    is_null = {"null": True} in shapes
    shapes = [each for each in shapes if each != {"null": True}]
    kinds = schema.pop("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    values = schema.pop("enum", [schema.pop("const")] if "const" in schema else [])
    made = (
        dict(shapes[0]) if len(shapes) == 1 else {"shapes": sorted(shapes, key=canonical.canonical)}
    )
    made["null"] = made.get("null", False) or is_null or "null" in kinds or None in values
    if kinds == {"null"}:
        return {"null": True}
    made["values"] = made.get("values") or sorted(value for value in values if value is not None)
    made["kinds"] = made.get("kinds") or ([] if values else sorted(kinds - {"null"}))
    for key, each in schema.items():
        if key in ("properties", "patternProperties"):
            made[key] = {name: normal(inner, root) for name, inner in each.items()}
        elif isinstance(each, dict):
            made[key] = normal(each, root)
        elif (key, each) not in (("required", []), ("additionalProperties", True)):
            made[key] = sorted(each) if key == "required" else each
    return made


@st.composite
def mutants(draw, family):
    """A golden body with a few places dropped, renamed, retyped, doubled or widened."""
    paths = sorted((GOLDEN / family).glob("*/*.json"))
    body = json.loads(draw(st.sampled_from(paths)).read_text())
    for _ in range(draw(st.integers(1, 3))):
        if spots := list(_spots(body)):
            _change(draw, *draw(st.sampled_from(spots)))
    return body


def _spots(value):
    if isinstance(value, dict):
        for name, each in value.items():
            yield value, name
            yield from _spots(each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield value, index
            yield from _spots(each)


def _change(draw, at, name):
    how = draw(st.sampled_from(["drop", "rename", "retype", "odd", "widen", "double", "edge"]))
    value = at[name]
    if how == "drop":
        del at[name]
    elif how == "rename" and isinstance(at, dict):
        at[draw(st.sampled_from([f"{name}s", name.upper(), "kind", "name", ""]))] = at.pop(name)
    elif how == "odd":
        at[name] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif how == "widen" and isinstance(value, dict):
        value["more"] = 1
    elif how == "double" and isinstance(value, list):
        at[name] = value * draw(st.sampled_from([2, 201]))
    elif how == "edge":
        at[name] = _edge(draw, value)
    else:
        at[name] = {str: [value], list: str(value), dict: [value], bool: int(bool(value))}.get(
            type(value), str(value)
        )


def _edge(draw, value):
    if isinstance(value, str):
        ends = st.sampled_from(["\n", " ", "-", "_", ".", "A", "0", "é", "x" * 200, "x" * 20_000])
        return draw(ends.flatmap(lambda end: st.sampled_from([value + end, end + value])))
    if isinstance(value, int | float):
        return draw(st.sampled_from([-1, 0.5, 10**4, 10**5, 10**6 + 1, 10**9 + 1, 1e-9]))
    return None


@pytest.mark.parametrize("family", FAMILIES)
class TestAgreement:
    def test_holds_for_every_bound_that_both_declare(self, family):
        own, file = bodies.MODELS[family].model_json_schema(), schemas.of(family)

        assert normal(own, own) == normal(file, file)

    def test_holds_for_bodies_made_from_the_schema(self, family):
        @patient
        @given(fitting(schemas.of(family)))
        def look(body):
            assert agree(family, body)

        look()

    def test_holds_for_bodies_made_from_the_model(self, family):
        @patient
        @given(fitting(bodies.MODELS[family].model_json_schema()))
        def look(body):
            assert agree(family, body)

        look()

    def test_holds_for_spoiled_bodies(self, family):
        @settings(patient, max_examples=EXAMPLES * 8)
        @given(mutants(family))
        def look(body):
            agree(family, body)

        look()


@pytest.mark.parametrize("family", FAMILIES)
class TestRead:
    def test_only_ever_refuses_and_always_what_the_schema_refuses(self, family):
        @settings(patient, max_examples=EXAMPLES * 2)
        @given(mutants(family) | ANY)
        def look(body):
            try:
                bodies.read(family, body)
            except Invalid as refused:
                errors = refused.facts["errors"]
                assert errors
                assert all(error["message"] and "\0" not in error["field"] for error in errors)
                return
            assert schemas.validator(family).is_valid(body)

        look()
