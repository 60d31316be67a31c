"""How agents know a tool: ``{tool}__{provider}``, and never two by one name."""

from collections.abc import Iterable, Mapping

SEPARATOR = "__"


def of(tool_name: str, provider: str, *, plain: bool) -> str:
    """Return the name agents use; ``plain`` leaves the provider out."""
    return tool_name if plain else f"{tool_name}{SEPARATOR}{provider}"


def clashes(names: Iterable[str]) -> Mapping[str, str]:
    """Return why names cannot be used, by name: said twice."""
    seen: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        if name in seen:
            found[name] = "two tools have this name"
        seen.add(name)
    return found
