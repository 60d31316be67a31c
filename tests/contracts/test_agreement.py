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

from contracts import bodies, schemas
from contracts.bodies import reading
from tests.contracts.values import fitting

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
