"""The words of one command: split as a shell would split them, where a shell would do no more."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from awooop.errors import Code, Invalid

_NEVER = "`$\\"  # not even in quotes: a shell would read them there too
_BARE = ";|&<>(){}[]*?!#~^"


def unread(why: str) -> Invalid:
    """Return the refusal of an action."""
    return Invalid(Code.ACTION_UNREAD, why)


def split(text: str) -> list[str]:
    """Return the words of one command, as a shell would see them if there were one.

    :raises Invalid: a shell would do more than split it.
    """
    quote = ""
    for letter in text:
        if letter in _NEVER or not (letter.isprintable() or letter == " "):
            raise unread(f"{letter!r} has a meaning to shells, and there is no shell here")
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in _BARE:
            raise unread(f"{letter!r} has a meaning to shells, and there is no shell here")
    if quote:
        raise unread("a quotation does not end")
    words = shlex.split(text)
    if not words or not words[0]:
        raise unread("it says nothing")
    return words


def document(text: str) -> Any:
    """Return a JSON value in which no name stands twice.

    :raises Invalid: it is not one.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as reason:
        raise unread(f"the patch is no JSON: {reason}") from None


def typed(value: str, schema: Mapping[str, Any]) -> Any:
    """Return a word as what a schema wants there, where that can be told.

    :raises Invalid: an object is no JSON.
    """
    match schema.get("type"):
        case "integer":
            return int(value) if value.isascii() and value.isdigit() else value
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
        case "object":
            return document(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
