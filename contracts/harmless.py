"""Whether a schema that somebody else wrote may judge answers: valid, closed in itself, bounded.

Validation costs at most the schema's expanded size times the answer's size, so both are capped, and
references may only go to places of the schema itself, without going round in circles.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from awooop.kit import canonical
from contracts import linear
from contracts.bodies import reading
from contracts.bodies.reading import Fault, Place

DRAFT = "https://json-schema.org/draft/2020-12/schema"
LARGEST = 64 * 1024
MOST_EXPANDED = 1_000  # schemas and listed values, each reference counted as what it leads to
MOST_PATTERNS = 50
MOST_REFERENCES = 100

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    *("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_HELD = ("$defs", "definitions")  # counted where they are referred to
_STRANGE = (
    *("$id", "id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"),
    *("$recursiveAnchor", "$vocabulary"),
)
_LISTED = ("enum", "required", "dependentRequired", "const")

_PLAIN = re.compile(r"#[A-Za-z0-9/._~!$&'()*+,;=:@-]*")

_Known = dict[str, tuple[Place, Any]]


def size(schema: Mapping[str, Any]) -> int:
    """Return how many parts a harmless schema has, its references followed."""
    return _followed({_pointer(at): (at, each) for at, each in _walk(schema)})[1]


def faults(schema: Any) -> list[Fault]:
    """Return everything that keeps a schema from being used; nothing when it is harmless."""
    if not isinstance(schema, dict):
        return [Fault((), "must be an object")]
    if found := list(reading.foreign(schema)):
        return found
    if len(canonical.canonical(schema)) > LARGEST:
        return [Fault((), f"is larger than {LARGEST // 1024} KiB")]
    if invalid := [_invalid(error) for error in _meta().iter_errors(schema)]:
        return invalid
    known = {_pointer(at): (at, each) for at, each in _walk(schema)}
    found = [fault for at, each in known.values() for fault in _own(at, each, known)]
    found += _too_many(known)
    circles, parts = _followed(known)
    found += [Fault((*known[place][0], "$ref"), "goes round in a circle") for place in circles]
    if parts > MOST_EXPANDED:
        found.append(Fault((), f"has more than {MOST_EXPANDED} parts, its references followed"))
    return found


def _pointer(at: Place) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in at)


@cache
def _meta() -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": DRAFT}, offline=True)


def _invalid(error: jsonschema_rs.ValidationError) -> Fault:
    said = error.message if len(error.message) <= 200 else f"{error.message[:200]}…"
    return Fault(tuple(error.instance_path), f"is no JSON Schema: {said}")


def _walk(schema: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    yield at, schema
    for name, each in _children(schema):
        yield from _walk(each, (*at, *name))


def _children(schema: Any) -> Iterator[tuple[Place, Any]]:
    if not isinstance(schema, dict):
        return
    for keyword in _MAPS:
        for name, each in schema.get(keyword, {}).items():
            yield (keyword, name), each
    for keyword in _LISTS:
        for index, item in enumerate(schema.get(keyword, ())):
            yield (keyword, index), item
    for keyword in _SINGLE:
        if keyword in schema:
            yield (keyword,), schema[keyword]


def _own(at: Place, schema: Any, known: _Known) -> Iterator[Fault]:
    """Yield what is wrong with one schema, apart from the schemas in it."""
    if not isinstance(schema, dict):
        return
    for keyword in _STRANGE:
        if keyword in schema:
            yield Fault((*at, keyword), "is not allowed: the schema must stand for itself")
    if schema.get("$schema", DRAFT).rstrip("#") != DRAFT:
        yield Fault((*at, "$schema"), f"must be {DRAFT}")
    if "$ref" in schema:
        yield from _reference((*at, "$ref"), schema["$ref"], known)
    patterns: list[tuple[Place, str]] = (
        [(("pattern",), schema["pattern"])] if "pattern" in schema else []
    )
    patterns += [
        (("patternProperties", name), name) for name in schema.get("patternProperties", ())
    ]
    for place, pattern in patterns:
        if not linear.is_pattern(pattern):
            yield Fault(
                (*at, *place),
                f"is not a pattern of at most {linear.LONGEST} characters for a linear engine:"
                " no look-around, no back references, no huge repeats",
            )


def _too_many(known: _Known) -> Iterator[Fault]:
    schemas = [each for _, each in known.values() if isinstance(each, dict)]
    patterns = sum(("pattern" in each) + len(each.get("patternProperties", ())) for each in schemas)
    if patterns > MOST_PATTERNS:
        yield Fault((), f"has more than {MOST_PATTERNS} patterns")
    if sum("$ref" in each for each in schemas) > MOST_REFERENCES:
        yield Fault((), f"has more than {MOST_REFERENCES} references")


def _reference(at: Place, target: str, known: _Known) -> Iterator[Fault]:
    if not target.startswith("#"):
        yield Fault(at, "may only refer to a part of this schema, such as #/$defs/item")
    elif not _PLAIN.fullmatch(target):
        yield Fault(at, "may only have letters, digits and plain marks; rename what it refers to")
    elif target[1:] not in known:
        yield Fault(at, "refers to no schema in here")


def _followed(known: _Known) -> tuple[list[str], int]:
    """Follow every reference from the top: which places go round in a circle, and how many parts
    there are."""
    circles: list[str] = []
    sizes: dict[str, int] = {}
    under_way: set[str] = set()
    waiting = [("", False)]
    while waiting:
        place, is_left = waiting.pop()
        edges = _edges(place, known)
        if is_left:
            under_way.discard(place)
            counted = (sizes.get(to, 0) for to, is_counted in edges if is_counted)
            sizes[place] = _own_size(known[place][1]) + sum(counted)
        elif place not in sizes and place not in under_way:
            under_way.add(place)
            waiting.append((place, True))
            waiting += [(to, False) for to, _ in edges]
            circles += [place for to, _ in edges if to in under_way]
    return circles, sizes[""]


def _edges(place: str, known: _Known) -> list[tuple[str, bool]]:
    """Return the places a schema leads to, and whether they count as parts of it."""
    at, schema = known[place]
    edges = [(_pointer((*at, *name)), name[0] not in _HELD) for name, _ in _children(schema)]
    if isinstance(schema, dict) and (target := schema.get("$ref", "")[1:]) in known:
        edges += [(target, True)] if "$ref" in schema else []
    return edges


def _own_size(schema: Any) -> int:
    if not isinstance(schema, dict):
        return 1
    return 1 + sum(_listed(schema.get(keyword)) for keyword in _LISTED)


def _listed(value: Any) -> int:
    """Return how many values a list of allowed values has, all the way down."""
    total, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        inside = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        waiting += inside
        total += len(inside)
    return total
