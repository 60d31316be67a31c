"""Argument rules of contracts: what must hold for one value of a call, or of an answer."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts import linear

_ABSENT = object()
_NUMBERS = (int, float)


def misfits(rules: Iterable[Mapping[str, Any]], value: Any) -> list[str]:
    """Return which rules a value breaks, in words; never the value itself."""
    return [said for rule in rules if (said := _broken(rule, at(value, rule["path"])))]


def hold(rules: Iterable[Mapping[str, Any]], value: Any) -> bool:
    """Tell whether all rules hold."""
    return not misfits(rules, value)


def at(value: Any, pointer: str) -> Any:
    """Return what stands at a JSON Pointer (RFC 6901), or a mark that nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif (
            isinstance(value, list)
            and name.isascii()
            and name.isdigit()
            and (int(name) < len(value))
        ):
            value = value[int(name)]
        else:
            return _ABSENT
    return value


def is_absent(found: Any) -> bool:
    """Tell whether :func:`at` found nothing."""
    return found is _ABSENT


def _broken(rule: Mapping[str, Any], found: Any) -> str | None:
    path = rule["path"]
    if found is _ABSENT:
        return f"{path} is required" if rule.get("required") else None
    if (listed := rule.get("one_of")) is not None and not any(_same(found, x) for x in listed):
        return f"{path} is not one of those allowed"
    if (pattern := rule.get("pattern")) is not None and not (
        isinstance(found, str) and linear.matches(pattern, found)
    ):
        return f"{path} does not match {pattern}"
    bounds = (rule.get("minimum"), rule.get("maximum"))
    if bounds != (None, None):
        least, most = bounds
        if type(found) not in _NUMBERS:
            return f"{path} is no number"
        if (least is not None and found < least) or (most is not None and found > most):
            return f"{path} is out of its bounds"
    return None


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, and 1.0 is."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
