"""The tools of a built-in provider: what it lists, and the judge of what it is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from awooop.errors import Code
from gateway import schemas
from gateway.providers.base import Answer, Failed, Listing

_MOST_NAMED = 20


class Toolbox:
    """Definitions whose schemas are judged once more here, whatever was judged before."""

    def __init__(self, server_name: str, definitions: Sequence[Mapping[str, Any]]) -> None:
        self.listing = Listing(
            server_name=server_name, server_version="1", tools=tuple(definitions)
        )
        self._judges = {each["name"]: schemas.validator(each) for each in definitions}

    def judge(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Return when a tool may be asked this.

        :raises Failed: no such tool, or its schema does not hold; nothing was sent.
        """
        judge = self._judges.get(tool)
        if judge is None:
            raise Failed(Code.TOOL_UNKNOWN, sent=False)
        try:
            found = schemas.faults(judge, dict(arguments))
        except (ValueError, TypeError, OverflowError, RecursionError):
            found = ["the arguments are no JSON"]
        if found:
            raise unfit("; ".join(found))


def unfit(why: str) -> Failed:
    """Return the refusal of a call's arguments."""
    return Failed(Code.GATE_ARGUMENTS, why, sent=False)


def named(known: Sequence[str]) -> str:
    """Return names for people, not too many of them."""
    more = len(known) - _MOST_NAMED
    return ", ".join(known[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def told(
    text: str, structured: Mapping[str, Any] | None = None, *, is_error: bool = False
) -> Answer:
    """Return an answer of one text."""
    return Answer(({"type": "text", "text": text},), structured, is_error)


def definition(
    name: str,
    title: str,
    description: str,
    properties: Mapping[str, Any],
    *,
    optional: Sequence[str] = (),
    reads: bool = False,
    idempotent: bool = False,
) -> dict[str, Any]:
    """Return a tool's definition as MCP spells it; no argument but those named is taken."""
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": dict(properties),
            "required": [each for each in properties if each not in optional],
            "additionalProperties": False,
        },
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": not reads,
            "idempotentHint": reads or idempotent,
            "openWorldHint": False,
        },
    }
