"""How agents know a tool: ``{tool}__{provider}``, and never two by one name."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from gateway import lookalikes

SEPARATOR = "__"
LONGEST = 128

_FIT = re.compile(r"[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*")  # as contracts name tools
_SHOWN = 60


def of(tool_name: str, provider: str, *, plain: bool) -> str:
    """Return the name agents use; ``plain`` leaves the provider out."""
    return tool_name if plain else f"{tool_name}{SEPARATOR}{provider}"


def clashes(names: Iterable[str]) -> Mapping[str, str]:
    """Return why names cannot be used, by name: said twice, look-alikes, too long."""
    counted = Counter(names)
    groups = defaultdict(list)
    for name in counted:
        groups[lookalikes.skeleton(name)].append(name)
    found: dict[str, str] = {}
    for name, count in counted.items():
        others = [each for each in groups[lookalikes.skeleton(name)] if each != name]
        if count > 1:
            found[name] = "two tools have this name"
        elif others:
            found[name] = f"it can be taken for {min(others):.{_SHOWN}}"
        elif len(name) > LONGEST:
            found[name] = f"its name is longer than {LONGEST} characters"
    return found


def problem(tool_name: str) -> str | None:
    """Say why a server's own name for a tool cannot be used, or None when it can."""
    if not tool_name:
        return "it has no name"
    if len(tool_name) > LONGEST:
        return f"its name is longer than {LONGEST} characters"
    if _FIT.fullmatch(tool_name) and not set(tool_name) <= {".", "-"} and ".." not in tool_name:
        return None
    kinds = {unicodedata.category(letter)[0] for letter in tool_name}
    if "C" in kinds:
        return "its name holds characters that cannot be seen"
    if "/" in tool_name or "\\" in tool_name or ".." in tool_name:
        return "its name reads as a path"
    if not tool_name.isascii():
        return f"its name passes for {lookalikes.skeleton(tool_name):.{_SHOWN}}"
    if SEPARATOR in tool_name or tool_name.startswith("_") or tool_name.endswith("_"):
        return f"its underscores cannot be told from the {SEPARATOR} before a provider"
    return "its name has other characters than letters, digits, _ . and -"
