"""What a server listed, sorted: the tools that can be kept, and why others cannot."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from awooop.kit.canonical import NotCanonical
from contracts.bodies import reading
from gateway import lookalikes, naming, schemas
from gateway.providers.base import Listing
from gateway.registry import hidden, pins

MOST = 2_000  # tools of one gateway, those that are gone among them
LARGEST = 64 * 1024  # bytes of one definition
LONGEST_INSTRUCTIONS = 16 * 1024  # characters that are kept; the pin is of all
UNUSABLE = "schema"  # the kind of warning about a schema that cannot be used
_MOST_FAULTS = 100
_LONGEST_FAULT = 300


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool that a server offers, fit to be kept."""

    definition: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """A listing, sorted.

    :param tools: by name.
    :param faults: for people.
    :param is_whole: whether what is not in ``tools`` is not offered.
    """

    tools: Mapping[str, Offered]
    faults: tuple[str, ...]
    is_whole: bool
    instructions: str
    warnings: tuple[Mapping[str, str], ...]


def sort(listing: Listing, *, contracted: Collection[str], known: Collection[str]) -> Sorted:
    """Sort what a server listed.

    :param contracted: the tools the gateway contract names; there is always room for them.
    :param known: the tools that are kept already.
    """
    faults = [f"{fault:.{_LONGEST_FAULT}}" for fault in listing.faults]
    tools: dict[str, Offered] = {}
    for name, definition in _named(listing, faults):
        try:
            tools[name] = _offered(definition, listing.instructions)
        except ValueError as reason:
            faults.append(f"{_shown(name)}: {reason}")
    _drop_impostors(tools, contracted, faults)
    _drop_crowd(tools, contracted, known, faults)
    if len(listing.instructions) > LONGEST_INSTRUCTIONS:
        faults.append(f"only {LONGEST_INSTRUCTIONS} characters of its instructions are kept")
    if len(faults) > _MOST_FAULTS:
        faults = [*faults[:_MOST_FAULTS], f"{len(faults) - _MOST_FAULTS} more"]
    return Sorted(
        tools=tools,
        faults=tuple(hidden.visible(fault) for fault in faults),
        is_whole=not listing.faults,
        instructions=storable(listing.instructions[:LONGEST_INSTRUCTIONS]),
        warnings=tuple(hidden.warnings(listing.instructions, "its server's instructions")),
    )


def warnings(offered: Offered, listed: Sorted) -> list[Mapping[str, str]]:
    """Return what an operator should know before releasing a tool."""
    found: list[Mapping[str, str]] = []
    for key in ("inputSchema", "outputSchema"):
        if key == "inputSchema" or offered.definition.get(key) is not None:
            try:
                schemas.validator(offered.definition, key)
            except ValueError as reason:
                found.append({"where": f"/{key}", "kind": UNUSABLE, "excerpt": str(reason)[:300]})
    found += [*hidden.warnings(offered.definition), *listed.warnings]
    return found[: hidden.MOST]


def storable(text: str) -> str:
    """Return a text that the database can hold: no NUL, no half a character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _named(listing: Listing, faults: list[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the definitions whose names can be used and are said once."""
    named: list[tuple[str, Mapping[str, Any]]] = []
    for definition in listing.tools:
        name = definition.get("name") if isinstance(definition, Mapping) else None
        if not isinstance(name, str):
            faults.append("a tool has no name")
        elif reason := naming.problem(name):
            faults.append(f"{_shown(name)}: {reason}")
        else:
            named.append((name, definition))
    counted = Counter(name for name, _ in named)
    faults += [f"{name}: {n} tools have this name" for name, n in counted.items() if n > 1]
    return [(name, definition) for name, definition in named if counted[name] == 1]


def _offered(definition: Mapping[str, Any], instructions: str) -> Offered:
    if found := next(reading.foreign(definition), None):
        raise ValueError(f"{found.field} {found.message}".strip())
    if len(json.dumps(definition, ensure_ascii=False).encode()) > LARGEST:
        raise ValueError(f"its definition is larger than {LARGEST // 1024} KiB")
    try:
        return Offered(definition, pins.of(definition, storable(instructions)))
    except NotCanonical as reason:
        raise ValueError(str(reason)) from None


def _drop_impostors(
    tools: dict[str, Offered], contracted: Collection[str], faults: list[str]
) -> None:
    """Drop what can be taken for a tool of the contract without being one."""
    own = {lookalikes.skeleton(name): name for name in contracted}
    for name in [name for name in tools if name not in contracted]:
        if meant := own.get(lookalikes.skeleton(name)):
            del tools[name]
            faults.append(f"{name}: it can be taken for {meant}")


def _drop_crowd(
    tools: dict[str, Offered],
    contracted: Collection[str],
    known: Collection[str],
    faults: list[str],
) -> None:
    """Drop what there is no room for."""
    new = [name for name in tools if name not in known and name not in contracted]
    room = max(0, MOST - len({*known, *(name for name in tools if name in contracted)}))
    for name in new[room:]:
        del tools[name]
    if len(new) > room:
        faults.append(f"{len(new) - room} more tools are not kept: {MOST} are the most")


def _shown(name: str) -> str:
    return hidden.visible(name[:80]).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩") or "a tool"
