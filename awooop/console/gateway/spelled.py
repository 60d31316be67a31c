"""Texts of servers as people may read them: inert, with everything hidden spelled out."""

import json
import re
from dataclasses import dataclass
from typing import Any

from awooop.kit.redaction import redact
from gateway.registry import hidden

_SPELLED = re.compile(r"((?:⟨U\+[0-9A-F]{4,6}⟩)+)")
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some text; ``is_hidden`` when it spells what could not be seen."""

    text: str
    is_hidden: bool


def plain(text: str) -> str:
    """Return one line of text, redacted, with what is hidden spelled out."""
    return " ".join(hidden.visible(redact(text)).split("\n"))


def parts(text: str) -> list[Part]:
    """Return a text with what is hidden apart, so that a page can mark it."""
    pieces = _SPELLED.split(hidden.visible(redact(text)[:_LONGEST]))
    return [Part(each, bool(place % 2)) for place, each in enumerate(pieces) if each]


def pretty(value: Any) -> str:
    """Return a JSON value as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
