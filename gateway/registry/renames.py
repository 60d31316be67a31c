"""Whether a tool that appeared is one that vanished, under another name."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from awooop.kit import canonical

ALIKE = 0.9
MOST = 50  # that vanished, and that appeared: beyond it nothing is compared
_WORD = re.compile(r"\w+")


def found(
    appeared: Mapping[str, Mapping[str, Any]], vanished: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return the former names of tools that appeared, as far as they can be told."""
    if not appeared or not vanished or max(len(appeared), len(vanished)) > MOST:
        return {}
    before = {name: _words(definition) for name, definition in vanished.items()}
    former: dict[str, str] = {}
    for name, definition in appeared.items():
        words = _words(definition)
        best = max(before, key=lambda each: _alike(words, before[each]))
        if _alike(words, before[best]) >= ALIKE:
            former[name] = best
    return former


def _words(definition: Mapping[str, Any]) -> Counter[str]:
    rest = {key: each for key, each in definition.items() if key != "name"}
    return Counter(_WORD.findall(canonical.canonical(rest).decode()))


def _alike(one: Counter[str], other: Counter[str]) -> float:
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0
