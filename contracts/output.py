"""An agent's structured answer, judged by its contract's schema, and told to it when it misses."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs

from awooop.errors import Code, Invalid
from awooop.kit import canonical
from contracts import harmless, linear
from contracts.bodies import reading
from contracts.bodies.reading import Fault

MOST_ATTEMPTS = 3
LARGEST = 128 * 1024  # bytes of canonical JSON
MOST_VALUES = 5_000
LONGEST_TOLD = 2_048
_MOST_TOLD = 20
_LONGEST_VALUE = 80
_FEW = 50_000


def check_schema(schema: Any) -> list[Fault]:
    """Return everything that keeps a schema from being an agent's output_schema."""
    if found := harmless.faults(schema):
        return found
    try:
        _judge(json.dumps(schema, sort_keys=True))
    except (ValueError, jsonschema_rs.ReferencingError) as reason:
        return [Fault((), f"cannot be used: {str(reason)[:200]}")]
    return []


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer fits; ``told`` is what to say to the model when it does not."""

    fits: bool
    value: Any = None
    told: str = ""


@dataclass(slots=True)
class Attempts:
    """What is left of an agent's attempts to answer as its contract says.

    :param schema: a schema that :func:`check_schema` finds nothing against; None takes any text.
    """

    schema: Mapping[str, Any] | None
    most: int = MOST_ATTEMPTS
    spent: int = 0

    def read(self, text: str) -> Verdict:
        """Judge an answer as the model wrote it: JSON, in a code fence or not.

        :raises Invalid: it does not fit, and no attempt is left.
        """
        if self.schema is None:
            return Verdict(True, text)
        try:
            value = _parse(text)
        except (ValueError, RecursionError) as reason:
            said = str(reason) if isinstance(reason, ValueError) else "it is nested too deeply"
            return self._missed([Fault((), f"expected one JSON value; {said[:200]}")])
        return self.judge(value)

    def judge(self, value: Any) -> Verdict:
        """Judge an answer that is JSON already.

        :raises Invalid: it does not fit, and no attempt is left.
        """
        if self.schema is None or not (found := misfits(self.schema, value)):
            return Verdict(True, value)
        return self._missed(found)

    def _missed(self, found: list[Fault]) -> Verdict:
        self.spent += 1
        if self.spent < self.most:
            return Verdict(False, told=explain(found))
        raise Invalid(
            Code.OUTPUT_INVALID,
            f"no answer of {self.spent} fitted the output schema",
            errors=[{"field": fault.field, "message": fault.message} for fault in found],
        )


def misfits(schema: Mapping[str, Any], value: Any) -> list[Fault]:
    """Return where a value misses a harmless schema: what was expected there, and what was found.

    At most twenty places are returned, and the first one only where judging is much work.
    """
    if found := list(islice(reading.foreign(value), _MOST_TOLD)):
        return found
    if len(canonical.canonical(value)) > LARGEST:
        return [Fault((), f"expected at most {LARGEST // 1024} KiB of JSON; found more")]
    values = sum(1 for _ in islice(_values(value), MOST_VALUES + 1))
    if values > MOST_VALUES:
        return [Fault((), f"expected at most {MOST_VALUES} values; found more")]
    judge, parts = _judge(json.dumps(schema, sort_keys=True))
    if judge.is_valid(value):
        return []
    # Each error holds what was expected and what was found: all of them only where they are few.
    if values * parts <= _FEW:
        told = (fault for error in judge.iter_errors(value) for fault in _told(error))
        return list(islice(told, _MOST_TOLD))
    try:
        judge.validate(value)
    except jsonschema_rs.ValidationError as error:
        return list(islice(_told(error), _MOST_TOLD))
    return []


def explain(found: list[Fault]) -> str:
    """Return the text that tells a model what to correct, of at most 2 K characters."""
    lines = ["The answer does not fit the required JSON Schema. Answer again, with JSON only."]
    lines += [f"- at {fault.field or 'the top'}: {fault.message}" for fault in found]
    text = "\n".join(lines)
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 2]}\n…"


@lru_cache(maxsize=256)
def _judge(schema: str) -> tuple[jsonschema_rs.Validator, int]:
    judge = jsonschema_rs.Draft202012Validator(
        schema, pattern_options=linear.OPTIONS, validate_formats=True, offline=True
    )
    return judge, harmless.size(json.loads(schema))


def _parse(text: str) -> Any:
    if len(text) > LARGEST:
        raise ValueError(f"found more than {LARGEST // 1024} K characters")
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        bare = bare[bare.index("\n") : -3]
    return json.loads(bare, parse_constant=_no_constant, object_pairs_hook=_once)


def _no_constant(name: str) -> None:
    raise ValueError(f"found {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(made := dict(pairs)) < len(pairs):
        raise ValueError("found a key twice in one object")
    return made


def _values(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each


def _told(error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
    at, name, facts = tuple(error.instance_path), error.kind.name, error.kind.as_dict()
    if name in ("anyOf", "oneOf") and facts.get("context"):
        nearest = min(facts["context"], key=_distance)
        if nearest and _distance(nearest) < _FAR:
            for inner in nearest:
                yield from _told(inner)
            return
    if name == "required":
        yield Fault((*at, facts["property"]), "expected this field; found nothing")
        return
    seen = facts.get("unexpected", error.instance)
    yield Fault(at, f"expected {_expected(name, facts)}; found {_short(seen)}")


_FAR = 10**6


def _distance(branch: list[jsonschema_rs.ValidationError]) -> int:
    """Return how far a value is from one of several shapes: another type is far away."""
    top = min((len(error.instance_path) for error in branch), default=0)
    far = any(
        error.kind.name in ("type", "const", "enum") and len(error.instance_path) == top
        for error in branch
    )
    return len(branch) + (_FAR if far else 0)


def _expected(name: str, facts: dict[str, Any]) -> str:
    match name:
        case "type":
            return " or ".join(facts["types"])
        case "enum":
            return f"one of {_short(facts['options'])}"
        case "const":
            return _short(facts["expected_value"])
        case "additionalProperties" | "unevaluatedProperties":
            return "no other fields than the schema names"
        case "pattern":
            return f"a text matching {_short(facts['pattern'])}"
        case "format":
            return f"a text of the format {facts['format']}"
        case "uniqueItems":
            return "no value twice"
        case "anyOf" | "oneOf":
            return "a value of one of the allowed shapes, and of one only"
        case "contains":
            return "an item of the kind that must be in here"
        case "propertyNames":
            return "only names that are allowed here"
        case "falseSchema" | "not":
            return "something else or nothing"
    bound = facts.get("limit", facts.get("multiple_of"))
    return name if bound is None else f"{name} {bound}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
