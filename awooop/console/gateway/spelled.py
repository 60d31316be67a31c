"""Texts of servers as people may read them: inert, with everything hidden spelled out."""

import json
import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from awooop.kit.redaction import redact

# What str.isprintable() lets through and nobody sees, or what changes how its neighbours look.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some text; ``is_hidden`` when it is an escape for what could not be seen."""

    text: str
    is_hidden: bool


def plain(text: str) -> str:
    """Return one line of text, redacted, with what is hidden as escapes."""
    return "".join(_escape(each) if _hides(each) or each == "\n" else each for each in redact(text))


def parts(text: str) -> list[Part]:
    """Return a text with what is hidden apart, so that a page can mark it."""
    runs = groupby(redact(text)[:_LONGEST], _hides)
    return [
        Part("".join(map(_escape, letters)) if is_hidden else "".join(letters), is_hidden)
        for is_hidden, letters in runs
    ]


def pretty(value: Any) -> str:
    """Return a JSON value as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _hides(letter: str) -> bool:
    is_shown = letter.isprintable() or letter == "\n"
    return not is_shown or _UNSEEN.match(letter) is not None


def _escape(letter: str) -> str:
    return json.dumps(letter)[1:-1] if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
