"""The schemas that servers give their tools: used only when they can harm nobody."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from contracts import harmless, linear

_VALUES = ("const", "default", "enum", "examples")  # hold values, not schemas
_OLDER = "http://json-schema.org/draft-07/schema"  # what many MCP servers still declare


def validator(definition: Mapping[str, Any], key: str = "inputSchema") -> jsonschema_rs.Validator:
    """Return the judge of a tool's arguments, or with ``outputSchema`` of its answer.

    :raises ValueError: the schema is missing, invalid, too large or reaches outside itself.
    """
    schema = definition.get(key)
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError("it must be a schema of an object")
    is_older = str(schema.get("$schema", "")).rstrip("#") == _OLDER
    if is_older:
        schema = {name: part for name, part in schema.items() if name != "$schema"}
    try:
        schema = _unanchored(schema)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if found := harmless.faults(schema):
        raise ValueError("; ".join(f"{each.field} {each.message}".strip() for each in found[:3]))
    kind = jsonschema_rs.Draft7Validator if is_older else jsonschema_rs.Draft202012Validator
    return kind(schema, pattern_options=linear.OPTIONS, offline=True)


def faults(judge: jsonschema_rs.Validator, value: Any) -> list[str]:
    """Return what does not fit, at most five, each with its place."""
    found = []
    for error in judge.iter_errors(value):
        place = "".join(f"/{part}" for part in error.instance_path) or "the arguments"
        found.append(f"{place}: {error.message[:200]}")
        if len(found) == 5:
            break
    return found


def _unanchored(schema: Any) -> Any:
    """Return a schema without its anchors: nothing may refer to them, so they mean nothing."""
    if isinstance(schema, list):
        return [_unanchored(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: part if name in _VALUES else _unanchored(part)
        for name, part in schema.items()
        if not (name == "$anchor" and isinstance(part, str))
    }
