"""What a project may add to redaction: more classes, more names, more patterns; nothing less."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

CLASSES = frozenset({"ipv4"})

_LONGEST_PATTERN = 200
_MOST_PATTERNS = 50
_MOST_CHOICES = 128  # ways to try a pattern at one place: keeps every search linear
_LEAST_WIDTH = 4
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_ATOM = re.compile(
    r"(?P<set>\[\^?\]?(?:\\[\w\W]|[^\]\\\[])+\])|(?P<word>\\[dwsDWS])|(?P<bound>\\[bB])"
    r"|(?P<plain>\\[^A-Za-z0-9]|[^\\\[\](){}*+?|^$.])|(?P<any>\.)"
)
_TIMES = re.compile(r"\{(\d{1,3})(?:,(\d{1,3}))?\}|\?")


class PolicyRefused(ValueError):
    """A policy asks for what is unknown, or for a pattern that is slow or hides everything."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Additions to what is always redacted.

    :param classes: optional classes to switch on: "ipv4".
    :param patterns: (name, pattern) pairs; see :func:`checked` for what a pattern may be.
    :param names: further keys whose values are secret, compared without case, hyphen, underscore.
    """

    classes: frozenset[str] = frozenset()
    patterns: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Refuse what is unknown or unsafe.

        :raises PolicyRefused: see :func:`checked`.
        """
        if unknown := self.classes - CLASSES:
            raise PolicyRefused(f"unknown classes: {', '.join(sorted(unknown))}")
        if len(self.patterns) > _MOST_PATTERNS:
            raise PolicyRefused(f"more than {_MOST_PATTERNS} patterns")
        for name, pattern in self.patterns:
            checked(name, pattern)
        object.__setattr__(self, "names", frozenset(bare(name) for name in self.names))


NONE = Policy()


def of(value: "Policy | Mapping[str, Any] | None") -> Policy:
    """Return a policy as a contract spells it: ``{"classes": [], "patterns": {}, "names": []}``.

    :raises PolicyRefused: it asks for what is unknown or unsafe.
    """
    if value is None:
        return NONE
    if isinstance(value, Policy):
        return value
    if unknown := set(value) - {"classes", "patterns", "names"}:
        raise PolicyRefused(
            f"a policy can only add; unknown: {', '.join(sorted(map(str, unknown)))}"
        )
    return Policy(
        classes=frozenset(value.get("classes", ())),
        patterns=tuple(sorted(dict(value.get("patterns", {})).items())),
        names=frozenset(value.get("names", ())),
    )


def bare(name: str) -> str:
    """Return a name as policies compare it."""
    return name.casefold().replace("-", "").replace("_", "").replace(" ", "")


@lru_cache(maxsize=512)
def checked(name: str, pattern: str) -> re.Pattern[str]:
    """Return a custom pattern, compiled, if no input can make it slow.

    Allowed are literals, sets, ``\\d \\w \\s``, ``.`` and ``\\b``, each with ``?``, ``{n}`` or
    ``{n,m}``, and alternatives at the top. Not allowed are groups, ``*``, ``+``, back references
    and lookaround.

    :raises PolicyRefused: the name or the pattern is outside of that.
    """
    if not _NAME.fullmatch(name):
        raise PolicyRefused("a pattern's name is 1 to 24 of a-z, 0-9 and _")
    if len(pattern) > _LONGEST_PATTERN:
        raise PolicyRefused(f"{name}: longer than {_LONGEST_PATTERN} characters")
    branches = [_measured(name, branch) for branch in re.split(r"(?<!\\)\|", pattern)]
    if sum(choices for _, choices in branches) > _MOST_CHOICES:
        raise PolicyRefused(f"{name}: too many ways to match; narrow its repeats")
    if min(width for width, _ in branches) < _LEAST_WIDTH:
        raise PolicyRefused(f"{name}: could match fewer than {_LEAST_WIDTH} characters")
    try:
        return re.compile(pattern)
    except re.error as reason:
        raise PolicyRefused(f"{name}: {reason}") from None


def _measured(name: str, branch: str) -> tuple[int, int]:
    """Return a branch's least width and the number of ways to try it at one place."""
    at, width, choices = 0, 0, 1
    while at < len(branch):
        atom = _ATOM.match(branch, at)
        if atom is None:
            raise PolicyRefused(f"{name}: not allowed at {branch[at : at + 10]!r}")
        at = atom.end()
        least = most = 0 if atom.lastgroup == "bound" else 1
        if times := _TIMES.match(branch, at):
            at = times.end()
            least, most = _repeats(times)
        width += least
        choices *= max(1, most - least + 1)
        if choices > _MOST_CHOICES or most < least:
            raise PolicyRefused(f"{name}: too many ways to match; narrow its repeats")
    return width, choices


def _repeats(times: re.Match[str]) -> tuple[int, int]:
    if times.group() == "?":
        return 0, 1
    least = int(times.group(1))
    return least, int(times.group(2)) if times.group(2) else least
