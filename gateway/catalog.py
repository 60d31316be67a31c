"""Which tools a project has: contracts on one side, what was seen and released on the other.

Kept in the process for as long as neither changes; a call compares one number, which the database
counts up with every change of a tool.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import jsonschema_rs

from awooop.kit.db import pipe
from contracts import queries
from contracts.models import Family
from contracts.queries import Active, Bodies
from gateway import naming, schemas
from gateway.models import Standing

_MOST_PROJECTS = 1_000

_REFUSALS = {
    Standing.QUARANTINED: "no operator has released it yet",
    Standing.SUSPENDED: "its definition changed after it was released",
    Standing.GONE: "its server no longer offers it",
}

_ROWS = """
SELECT COALESCE((SELECT number FROM awooop_gateway_generation WHERE project_id = %(project_id)s), 0)
         AS number,
       t.gateway_id, t.tool_name, t.standing, t.pin_sha256, t.definition::text, t.suspended_by
  FROM (SELECT 1) one
  LEFT JOIN awooop_gateway_tool t
    ON t.project_id = %(project_id)s
   AND (t.gateway_id, t.tool_name)
       IN (SELECT * FROM unnest(%(gateways)s::text[], %(tools)s::text[]))
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tool that a gateway contract names.

    :param name: as agents know it.
    :param contract: the tool's entry in the gateway contract.
    :param definition: as released, or None.
    :param refusal: why it cannot be called now, for people; None when it can.
    :param validator: judges arguments against the released input schema.
    """

    name: str
    gateway_id: str
    tool_name: str
    contract: Mapping[str, Any]
    gateway: Active
    standing: Standing | None = None
    pin_sha256: str | None = None
    definition: Mapping[str, Any] | None = field(default=None, repr=False)
    refusal: str | None = None
    validator: jsonschema_rs.Validator | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every tool of a project, by the name agents know it by and by where it is."""

    by_name: Mapping[str, Entry]
    by_place: Mapping[tuple[str, str], Entry]


_NUMBER = "SELECT number FROM awooop_gateway_generation WHERE project_id = %s"

_numbers: dict[str, tuple[float, int]] = {}
_kept: dict[str, tuple[tuple[Any, ...], Bodies, Catalog]] = {}
_lock = Lock()


def of_project(project_id: str, bodies: Bodies, number: int) -> Catalog:
    """Return the project's tools as of its generation ``number``; one query when that is new."""
    kept = _kept.get(project_id)
    if kept is not None and kept[0][0] == number and kept[1] is bodies:
        return kept[2]
    name = (number, *sorted(str(active.revision_id) for active in bodies.values()))
    if kept is not None and kept[0] == name:
        made = kept[2]
    else:
        read, rows = _read(project_id, bodies)
        name, made = (read, *name[1:]), _make(bodies, rows)
    with _lock:
        if len(_kept) >= _MOST_PROJECTS:
            _kept.clear()
        _kept[project_id] = (name, bodies, made)
    return made


def lately(project_id: str, bodies: Bodies) -> tuple[int, Catalog]:
    """Return the project's tools, at most a second old, and their generation.

    For what is only foreseen; a call asks for the generation of its own moment.
    """
    until, number = _numbers.get(project_id, (0.0, 0))
    if time.monotonic() >= until:
        until = time.monotonic() + queries.FRESH_SECONDS
        with pipe() as p, p.tenant_tx(project_id):
            found = p.send(_NUMBER, [project_id])
        number = (found.fetchone() or (0,))[0]
        with _lock:
            if len(_numbers) >= _MOST_PROJECTS:
                _numbers.clear()
            _numbers[project_id] = (until, number)
    return number, of_project(project_id, bodies, number)


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _kept.clear()
        _numbers.clear()


def _read(project_id: str, bodies: Bodies) -> tuple[int, dict[tuple[str, str], tuple[Any, ...]]]:
    named = [(gateway_id, tool["tool_name"]) for gateway_id, _, tool in _contracted(bodies)]
    params = {
        "project_id": project_id,
        "gateways": [gateway_id for gateway_id, _ in named],
        "tools": [tool_name for _, tool_name in named],
    }
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_ROWS, params)
    rows = found.fetchall()
    return rows[0][0], {(row[1], row[2]): row[3:] for row in rows if row[1] is not None}


def _make(bodies: Bodies, rows: Mapping[tuple[str, str], tuple[Any, ...]]) -> Catalog:
    entries = [
        _entry(gateway_id, gateway, tool, rows.get((gateway_id, tool["tool_name"])))
        for gateway_id, gateway, tool in _contracted(bodies)
    ]
    clashes = naming.clashes(entry.name for entry in entries)
    entries = [replace(e, refusal=clashes.get(e.name) or e.refusal) for e in entries]
    return Catalog(
        {entry.name: entry for entry in entries},
        {(entry.gateway_id, entry.tool_name): entry for entry in entries},
    )


def _contracted(bodies: Bodies) -> Iterator[tuple[str, Active, Mapping[str, Any]]]:
    for (family, gateway_id), gateway in sorted(bodies.items()):
        if family == Family.MCP_GATEWAY.value:
            for tool in gateway.body.get("tools", ()):
                yield gateway_id, gateway, tool


def _entry(
    gateway_id: str, gateway: Active, tool: Mapping[str, Any], row: tuple[Any, ...] | None
) -> Entry:
    name = naming.of(
        tool["tool_name"],
        gateway.body["provider"],
        plain=bool(gateway.body.get("plain_names", False)),
    )
    bare = Entry(name, gateway_id, tool["tool_name"], tool, gateway)
    if gateway.body.get("transport") is None:
        return replace(bare, refusal="its gateway contract names no transport")
    if row is None:
        return replace(bare, refusal="its server has not listed it yet")
    standing, pin, text = Standing(row[0]), row[1], row[2]
    seen = replace(bare, standing=standing, pin_sha256=pin, definition=text and json.loads(text))
    if standing is Standing.SUSPENDED and row[3] is not None:
        return replace(seen, refusal="an operator suspended it")
    if reason := _REFUSALS.get(standing):
        return replace(seen, refusal=reason)
    if tool.get("description_sha256") not in (None, pin):
        return replace(seen, refusal="what was released is not what the contract pins")
    try:
        return replace(seen, validator=schemas.validator(seen.definition or {}))
    except ValueError as reason:
        return replace(seen, refusal=f"its input schema cannot be used: {reason}")
