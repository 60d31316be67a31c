"""What differs between two bodies, said as an operator reads it, and whether it breaks a promise.

Breaking, and so a major version: whatever is taken away or tightened. A tool or scope removed, a
limit lowered, a tool that needs more than before, another type, another output schema. What is
added or loosened is minor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

ABSENT = object()
_IDENTITIES = ("tool_name", "name", "id", "channel_type", "environment", "agent_id")
_SCOPES = {"read": 0, "write": 1, "admin": 2}
_TIGHTER_WHEN_TRUE = {"is_destructive", "requires_approval", "approval"}
_PROSE = {"description", "title", "instructions", "display_name"}
_WHOLE = {"output_schema", "input_schema"}  # a schema is compared as one thing
_NAMING = {"provider", "plain_names"}  # by them agents know every tool
_LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``path`` names the place in the body; ABSENT stands for what is not there."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def is_breaking(self) -> bool:
        """Tell whether somebody who relied on the earlier body may be let down by the later one."""
        if self._name in _NAMING and len(self.path) == 1:
            return _told(self.before) != _told(self.after)
        if self.before is ABSENT or self._name in _PROSE:
            return False
        if self.after is ABSENT or self._name in _WHOLE:
            return True
        if _is_number(self.before) and _is_number(self.after):
            return float(self.after) < float(self.before)
        if type(self.before) is not type(self.after):
            return True
        return self._is_tighter()

    @property
    def _name(self) -> str:
        return self.path[-1] if self.path else ""

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901), members of lists by their names."""
        return "/" + "/".join(step.replace("~", "~0").replace("/", "~1") for step in self.path)

    @property
    def words(self) -> str:
        """The change in a sentence."""
        what = _subject(self.path)
        if self.before is ABSENT:
            return _("%(what)s added%(how)s") % {"what": what, "how": _manner(self.after)}
        if self.after is ABSENT:
            return _("%(what)s removed") % {"what": what}
        return _("%(what)s: %(before)s → %(after)s") % {
            "what": what,
            "before": _short(self.before),
            "after": _short(self.after),
        }

    def _is_tighter(self) -> bool:
        name, before, after = self._name, self.before, self.after
        if name == "scope":
            return _SCOPES.get(after, 9) > _SCOPES.get(before, 9)
        return name in _TIGHTER_WHEN_TRUE and bool(after) and not before


def changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Change]:
    """Yield the differences between two bodies, in the order of their places."""
    is_whole = bool(path) and path[-1] in _WHOLE
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not is_whole:
        for name in sorted({*before, *after}):
            yield from changes(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
        return
    if isinstance(before, Sequence) and isinstance(after, Sequence) and _are_named(before, after):
        one, other = _named(before), _named(after)
        for name in [*one, *(name for name in other if name not in one)]:
            yield from changes(one.get(name, ABSENT), other.get(name, ABSENT), (*path, name))
        return
    if before != after or type(before) is not type(after):
        yield Change(path, before, after)


def _told(value: Any) -> Any:
    return None if value is ABSENT or value is False else value


def _are_named(*lists: Any) -> bool:
    """Tell whether the members of lists have names, each its own: texts, or objects with one."""
    for members in lists:
        if isinstance(members, str) or len(_named(members)) != len(members):
            return False
    return True


def _named(members: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in members:
        if isinstance(member, str):
            found[member] = member
        elif isinstance(member, Mapping):
            own = [str(member[name]) for name in ("mcp_gateway_id", *_IDENTITIES) if name in member]
            if own:
                found[".".join(own)] = member
    return found


def _subject(path: tuple[str, ...]) -> str:
    match path:
        case ("tools", tool):
            return _("tool %(name)s") % {"name": tool}
        case ("tools", tool, "scopes", scope):
            return _("scope %(scope)s of tool %(name)s") % {"scope": scope, "name": tool}
        case ("tools", tool, *rest):
            return _("%(field)s of tool %(name)s") % {"field": ".".join(rest), "name": tool}
        case ("limits", name):
            return _("limit %(name)s") % {"name": name}
    return ".".join(path)


def _manner(value: Any) -> str:
    if isinstance(value, Mapping):
        scopes = value.get("scope") or ", ".join(value.get("scopes", ()))
        return _(", scope %(scope)s") % {"scope": scopes} if scopes else ""
    return f": {_short(value)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return value.replace(".", "", 1).isdigit()
    return isinstance(value, int | float)
