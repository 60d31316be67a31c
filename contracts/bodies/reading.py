"""Looking into a body that may be anything: its places, its size, and what stands twice."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from awooop.kit import canonical
from contracts import linear

DEEPEST = 32
LARGEST = 256 * 1024  # bytes of canonical JSON
_SAFE = 2**53 - 1
_LONGEST_STEP = 100

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of a body, in words for an operator; never the value itself."""

    at: Place
    message: str

    @property
    def field(self) -> str:
        """The place as a JSON Pointer."""
        return pointer(self.at)


def pointer(at: Place) -> str:
    """Return a place as a JSON Pointer (RFC 6901), printable and of bounded length."""
    return "".join(f"/{_step(step)}" for step in at)


def _step(step: str | int) -> str:
    text = str(step).replace("~", "~0").replace("/", "~1")
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return text if len(text) <= _LONGEST_STEP else f"{text[:_LONGEST_STEP]}…"


def foreign(body: Any) -> Iterator[Fault]:
    """Yield what keeps a value from being stored, hashed and read back alike everywhere."""
    waiting: list[tuple[Place, Any]] = [((), body)]
    while waiting:
        at, value = waiting.pop()
        if len(at) > DEEPEST:
            yield Fault(at[:DEEPEST], f"is nested more than {DEEPEST} levels deep")
        elif isinstance(value, dict):
            waiting += [((*at, name), each) for name, each in value.items()]
            if any(not isinstance(name, str) or _is_odd(name) for name in value):
                yield Fault(at, "has a key that is not a text, or holds a NUL or half a character")
        elif isinstance(value, list):
            waiting += [((*at, index), each) for index, each in enumerate(value)]
        elif (said := _foreign(value)) is not None:
            yield Fault(at, said)


def _foreign(value: Any) -> str | None:
    match value:
        case None | bool():
            return None
        case str():
            return "holds a NUL or half a character" if _is_odd(value) else None
        case int():
            return None if abs(value) <= _SAFE else "is an integer beyond 2 to the power of 53"
        case float():
            return None if math.isfinite(value) else "is not a finite number"
    return "is not JSON; a date, for one, must be written as a text in quotes"


def _is_odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= each <= "\udfff" for each in text)


def is_large(body: Any) -> bool:
    """Tell whether a value without foreign parts is too large to be a body."""
    return len(canonical.canonical(body)) > LARGEST


def every(body: Any, *steps: str) -> Iterator[tuple[Place, Any]]:
    """Yield each place that a path leads to, with its value; ``*`` is every item or key."""
    found: list[tuple[Place, Any]] = [((), body)]
    for step in steps:
        found = [
            ((*at, name), each)
            for at, value in found
            for name, each in _items(value)
            if step in ("*", name)
        ]
    yield from found


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def twice(body: Any, path: tuple[str, ...], *names: str) -> Iterator[Fault]:
    """Yield the items of a list that have the same names as one before them."""
    seen: dict[tuple[str, ...], Place] = {}
    for at, item in every(body, *path, "*"):
        if not isinstance(item, dict):
            continue
        key = tuple(item[name] for name in names if isinstance(item.get(name), str))
        if len(key) < len(names):
            continue
        if (first := seen.setdefault(key, at)) != at:
            yield Fault((*at, names[0]), f"stands already at {pointer(first)}")


def unfit_rules(body: Any, path: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the argument rules that no value could be judged by."""
    for at, rule in every(body, *path):
        if not isinstance(rule, dict):
            continue
        pattern = rule.get("pattern")
        if isinstance(pattern, str) and not linear.is_pattern(pattern):
            yield Fault((*at, "pattern"), "is not a pattern that matches in linear time")
        least, most = rule.get("minimum"), rule.get("maximum")
        if _is_more(least, most):
            yield Fault((*at, "minimum"), "is more than the maximum")


def _is_more(least: Any, most: Any) -> bool:
    numbers = (int, float)
    return type(least) in numbers and type(most) in numbers and least > most
