"""What is wrong with a field, told to an operator: where it stands, and what it should be."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.bodies.reading import Fault, Place
from contracts.bodies.shapes import WORDS

_MOST_GUESSED = 50  # with more faults, what was meant is not guessed: guessing is slow
_TAG = "kind"  # the field that says which of several shapes an object has
_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_BOUNDS = {
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "has an unknown kind; the kinds are {expected_tags}",
    "union_tag_not_found": "must say its kind",
}


def faults(refused: ValidationError, body: Any, model: type[BaseModel]) -> list[Fault]:
    """Return every fault that a model found in a body."""
    errors = refused.errors(include_url=False)
    known: set[str] = set()
    if len(errors) <= _MOST_GUESSED:
        known = {name for each in _models(model) for name in each.model_fields}
    return [_fault(error, body, known) for error in errors]


def _fault(error: ErrorDetails, body: Any, known: set[str]) -> Fault:
    at, is_key = _place(error["loc"], body)
    said = _said(error)
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(at[-1])[:100], known, 1)
        said = "is not a field of this contract" + (f"; did you mean {close[0]}?" if close else "")
    return Fault(at, f"as a key {said}" if is_key else said)


def _said(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "missing":
        return "is required"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_kind_of(error['input'])}"
    if kind == "string_pattern_mismatch":
        return f"must be {WORDS[context['pattern']]}"
    if kind in ("too_short", "too_long"):
        return _counted(kind, context)
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map(context)
    return error["msg"]


def _counted(kind: str, context: Mapping[str, Any]) -> str:
    bound, many = ("least", "min_length") if kind == "too_short" else ("most", "max_length")
    items = "item" if context[many] == 1 else "items"
    return f"must have at {bound} {context[many]} {items}"


def _place(loc: tuple[int | str, ...], body: Any) -> tuple[Place, bool]:
    """Return where an error stands, without the marks that are not in the body."""
    is_key = bool(loc) and loc[-1] == "[key]"
    at: list[str | int] = []
    value, may_be_tag = body, True
    for step in loc[:-1] if is_key else loc:
        if may_be_tag and isinstance(value, dict) and step == value.get(_TAG):
            may_be_tag = False
            continue
        may_be_tag = True
        at.append(step)
        value = _inside(value, step)
    return tuple(at), is_key


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) else None


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
    return "an object"


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and every model in it."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = [model]
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each in found:
                continue
            found.add(each)
            waiting += [field.annotation for field in each.model_fields.values()]
        waiting += getattr(each, "__args__", ())
    return found
