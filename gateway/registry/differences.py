"""What changed between two definitions, for the eyes of who decides."""

import difflib
import json
from typing import Any

from gateway.models import Tool
from gateway.registry import hidden

_MOST_LINES = 400
_BREAK = "\\n"


def differences(was: Any, now: Any) -> str:
    """Return a unified diff of two JSON values; nothing hidden stays hidden; empty when equal."""
    return _diff(_lines(was), _lines(now))


def of_tool(tool: Tool) -> str:
    """Return how a tool as seen differs from the tool as released, instructions included.

    For a tool that was never released, everything is new.
    """
    return differences(
        _whole(tool.definition, tool.instructions), _whole(tool.seen, tool.seen_instructions)
    )


def _whole(definition: Any, instructions: str) -> Any:
    if definition is None:
        return None
    return {**definition, "(its server's instructions)": instructions or None}


def _diff(was: list[str], now: list[str]) -> str:
    lines = list(difflib.unified_diff(was, now, "released", "seen", lineterm=""))
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… {len(lines) - _MOST_LINES} more lines"]
    return "\n".join(lines)


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return [part for line in text.split("\n") for part in _broken(hidden.visible(line))]


def _broken(line: str) -> list[str]:
    """Break a line where the text in it does: a long description is read line by line."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    first, *rest = line.replace(_BREAK, _BREAK + "\n").split("\n")
    return [first, *(indent + each for each in rest)]
