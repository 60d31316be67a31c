"""An agent's answer against its contract's schema: told, bounded, and at most three attempts."""

import json
import socket
import threading
import time

import jsonschema_rs
import pytest

from awooop.errors import Code, Invalid
from contracts import output
from contracts.output import Attempts

VERDICT = {
    "type": "object",
    "required": ["verdict", "pods"],
    "additionalProperties": False,
    "properties": {
        "verdict": {"enum": ["healthy", "sick"]},
        "pods": {"type": "array", "items": {"$ref": "#/$defs/pod"}},
        "at": {"type": "string", "format": "date-time"},
    },
    "$defs": {"pod": {"type": "string", "pattern": "^[a-z-]+$"}},
}
GOOD = {"verdict": "sick", "pods": ["shop-a"]}


def nested(keyword, depth, inner):
    for _ in range(depth):
        inner = {keyword: inner}
    return inner


def doubling(levels):
    """Definitions that each apply the next one twice: 2 to the power of ``levels``."""
    both = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(levels)
    }
    return {"$defs": {**both, f"d{levels}": {}}, "$ref": "#/$defs/d0"}


def fields(schema):
    return [fault.field for fault in output.check_schema(schema)]


class TestCheckSchema:
    @pytest.mark.parametrize(
        "schema",
        [
            {},
            VERDICT,
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
            {"properties": {"a/b": {"type": "string"}, "c": {"$ref": "#/properties/a~1b"}}},
            {"enum": [{"$ref": "http://example.com"}], "default": {"$id": "x"}},
            {"properties": {"$ref": {"type": "string"}, "$id": {"pattern": "^a"}}},
        ],
    )
    def test_takes_what_is_valid_and_harmless(self, schema):
        assert output.check_schema(schema) == []

    @pytest.mark.parametrize(
        ("schema", "field"),
        [
            (True, ""),
            ([], ""),
            ({"type": "strin"}, "/type"),
            ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum"),
            ({"$ref": "http://127.0.0.1/schema.json"}, "/$ref"),
            ({"items": {"$ref": "file:///etc/passwd"}}, "/items/$ref"),
            ({"$ref": "other.json#/a"}, "/$ref"),
            ({"$ref": "#/$defs/missing"}, "/$ref"),
            ({"$ref": "#/enum/0", "enum": [{"pattern": "(?=a)"}]}, "/$ref"),
            ({"$defs": {"a b": {}}, "$ref": "#/$defs/a b"}, "/$ref"),
            ({"$ref": "#"}, "/$ref"),
            ({"properties": {"child": {"$ref": "#"}}}, "/properties/child/$ref"),
            ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "/$defs/a/items/$ref"),
            ({"$id": "https://example.com/a"}, "/$id"),
            ({"$dynamicRef": "#a"}, "/$dynamicRef"),
            ({"items": {"$anchor": "a"}}, "/items/$anchor"),
            ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
            ({"pattern": "(?=a)b"}, "/pattern"),
            ({"pattern": "(a)\\1"}, "/pattern"),
            ({"pattern": "(a{1,1000}){1,1000}"}, "/pattern"),
            ({"pattern": "a" * 201}, "/pattern"),
            ({"patternProperties": {"(?!a)": {}}}, "/patternProperties/(?!a)"),
            ({"const": float("nan")}, "/const"),
            ({"description": "x" * 65_536}, ""),
            ({"enum": list(range(1_001))}, ""),
            ({"allOf": [{"pattern": f"a{n}"} for n in range(51)]}, ""),
            (doubling(12), ""),
            (doubling(49), ""),
        ],
    )
    def test_refuses_what_is_neither_at_its_place(self, schema, field):
        assert fields(schema) == [field]

    def test_names_everything_at_once(self):
        schema = {"properties": {"a": {"$ref": "http://x"}, "b": {"pattern": "(?=a)"}}, "$id": "x"}

        assert sorted(fields(schema)) == ["/$id", "/properties/a/$ref", "/properties/b/pattern"]

    @pytest.mark.parametrize("keyword", ["items", "not", "additionalProperties", "const"])
    def test_refuses_endless_nesting_without_falling_over(self, keyword):
        (fault,) = output.check_schema(nested(keyword, 50_000, {}))
        assert fault.message == "is nested more than 32 levels deep"

    def test_refuses_a_long_chain_of_references(self):
        chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(400)}

        assert fields({"$defs": {**chain, "d400": {}}, "$ref": "#/$defs/d0"}) == [""]

    def test_asks_nobody_for_what_a_schema_refers_to(self):
        called = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.3)

            def listen():
                try:
                    server.accept()
                    called.set()
                except TimeoutError:
                    pass

            listener = threading.Thread(target=listen)
            listener.start()
            address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
            for keyword in ("$ref", "$schema", "$id", "$dynamicRef"):
                assert output.check_schema({keyword: address})
            with pytest.raises((ValueError, jsonschema_rs.ReferencingError)):
                output.misfits({"$ref": address}, 1)
            listener.join()
        assert not called.is_set()


class TestMisfits:
    def test_says_place_expectation_and_finding(self):
        found = output.misfits(VERDICT, {"verdict": "ill", "pods": ["A", 3], "at": "noon", "x": 1})

        assert {fault.field: fault.message for fault in found} == {
            "": 'expected no other fields than the schema names; found ["x"]',
            "/at": 'expected a text of the format date-time; found "noon"',
            "/pods/0": 'expected a text matching "^[a-z-]+$"; found "A"',
            "/pods/1": "expected string; found 3",
            "/verdict": 'expected one of ["healthy", "sick"]; found "ill"',
        }

    def test_names_a_missing_field_by_its_own_place(self):
        (fault,) = output.misfits(VERDICT, {"verdict": "sick"})

        assert (fault.field, fault.message) == ("/pods", "expected this field; found nothing")

    def test_explains_by_the_nearest_of_several_shapes(self):
        schema = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["reason"]}]}

        assert [fault.field for fault in output.misfits(schema, {})] == ["/reason"]
        (fault,) = output.misfits(schema, 5)
        assert fault.message.startswith("expected a value of one of the allowed shapes")

    @pytest.mark.parametrize(
        ("schema", "value"),
        [
            ({"items": {"enum": [f"value-{n}" for n in range(900)]}}, ["none"] * 4_900),
            ({"items": {"anyOf": [{"const": n} for n in range(450)]}}, [-1] * 4_900),
            ({"items": {"oneOf": [{"type": "integer"}] * 450}}, [1] * 4_900),
            ({"allOf": [{"contains": {"const": n}} for n in range(400)]}, [-1] * 4_900),
            ({"allOf": [{"pattern": f"^(a|b|ab)*c{n}$"} for n in range(50)]}, "ab" * 60_000),
            ({"pattern": "^(x+x+)+y$"}, "x" * 120_000),
            ({"uniqueItems": True}, [{"a": [n]} for n in range(1_600)]),
            ({"items": {"format": "regex"}}, ["(a{1,1000}){1,1000}"] * 4_900),
        ],
        ids=["enum", "anyOf", "oneOf", "contains", "patterns", "pattern", "uniqueItems", "regex"],
    )
    def test_takes_bounded_time_and_room_over_the_worst_of_answers(self, schema, value):
        assert output.check_schema(schema) == []
        began = time.thread_time()
        found = output.misfits(schema, value)
        assert time.thread_time() - began < 3
        assert len(found) <= 20
        assert len(output.explain(found)) <= 2_048

    @pytest.mark.parametrize(
        "value", ["x" * 131_072, [0] * 5_000, nested("a", 50_000, 1), float("inf"), "\0", 2**60]
    )
    def test_refuses_answers_beyond_every_bound(self, value):
        assert len(output.misfits({}, value)) == 1


class TestAttempts:
    @pytest.mark.parametrize("fence", ["{}", "  {}\n", "```json\n{}\n```", "```\n{}\n```"])
    def test_takes_a_good_answer_in_a_fence_or_not(self, fence):
        verdict = Attempts(VERDICT).read(fence.replace("{}", json.dumps(GOOD)))

        assert verdict.fits
        assert verdict.value == GOOD

    def test_tells_twice_and_gives_up_the_third_time(self):
        attempts = Attempts(VERDICT)
        for _ in range(2):
            verdict = attempts.read('{"verdict": "ill", "pods": []}')
            assert not verdict.fits
            assert '- at /verdict: expected one of ["healthy", "sick"]' in verdict.told

        with pytest.raises(Invalid) as refused:
            attempts.read('{"verdict": "ill", "pods": []}')
        assert refused.value.code is Code.OUTPUT_INVALID
        assert refused.value.facts["errors"][0]["field"] == "/verdict"

    def test_takes_a_good_answer_on_the_last_attempt(self):
        attempts = Attempts(VERDICT)
        attempts.read("I think that it is sick.")
        attempts.read("[]")

        assert attempts.read(json.dumps(GOOD)).fits

    @pytest.mark.parametrize(
        "text",
        [
            *("", "sick", "{'a': 1}", '{"a": 1} {"a": 1}', '{"verdict": "sick", "verdict": "a"}'),
            *("NaN", "[" * 100_000, "9" * 5_000, '"' + "x" * 200_000 + '"', "```json\n```"),
        ],
    )
    def test_counts_what_is_no_json_as_an_attempt(self, text):
        attempts = Attempts(VERDICT)

        assert len(attempts.read(text).told) <= 2_048
        assert attempts.spent == 1

    def test_takes_any_text_where_the_contract_has_no_schema(self):
        assert Attempts(None).read("Nothing to see.").value == "Nothing to see."

    def test_keeps_what_it_tells_short_whatever_was_answered(self):
        schema = {"additionalProperties": False}
        verdict = Attempts(schema).judge({"k" * 90 + str(n): "v" * 90 for n in range(500)})

        assert not verdict.fits
        assert len(verdict.told) <= 2_048
