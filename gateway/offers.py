"""What an agent is offered: the tools its contract grants that were released and can be called."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import mcp_types as types
import structlog
from mcp.shared import inbound
from pydantic import ValidationError

from awooop.errors import Code, Refused
from awooop.kit.db import pipe
from awooop.tenants.modes import Mode
from contracts import queries
from contracts.models import Family
from contracts.queries import Active, Bodies
from gateway import asking, catalog, facts, humans, policies, registry, verdicts
from gateway.catalog import Entry

log = structlog.get_logger(__name__)

FRESH_SECONDS = 30.0  # how long what is known of headers is believed; arguments are judged anew
_LISTING_SECONDS = 3.0
_MOST = 10_000
_SHOWN = ("title", "description", "inputSchema", "outputSchema")
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_STATE = """
SELECT COALESCE((SELECT number FROM awooop_gateway_generation
                  WHERE project_id = %(project_id)s), 0),
       ARRAY(SELECT gateway_id FROM awooop_gateway_provider
              WHERE project_id = %(project_id)s AND logs)
"""
_MODE = "SELECT migration_mode FROM awooop_projects WHERE project_id = %s"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form of a call and of its answer depends on.

    :param schema: the tool's input schema, as released, when it wants arguments in headers too.
    :param logs: whether its server announces log messages.
    """

    schema: Mapping[str, Any] | None
    logs: bool


Offers = Mapping[str, Offer]

_kept: dict[tuple[str, str], tuple[float, Offers]] = {}
_lock = Lock()


def of_agent(project_id: str, agent_id: str) -> list[Entry]:
    """Return the tools an agent can call, by name. Opens its own transactions.

    Servers that were never listed are asked first, for a moment.

    :raises Refused: the agent has no active, correctly signed contract.
    """
    bodies = queries.of_project(project_id)
    agent = bodies.get((Family.AGENT.value, agent_id))
    if agent is None:
        raise Refused(Code.GATE_AGENT, "the agent has no active, correctly signed contract")
    registry.ensure_listed(project_id, _granted(bodies, agent), _LISTING_SECONDS)
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_STATE, {"project_id": project_id})
    ((number, logging),) = found.fetchall()
    known = catalog.of_project(project_id, bodies, number)
    offered = [
        entry
        for _, entry in sorted(known.by_name.items())
        if entry.refusal is None
        and verdicts.covers(
            facts.scopes(agent, entry), verdicts.of(entry.contract, entry.definition, {}).scope
        )
    ]
    _remember(project_id, agent_id, offered, frozenset(logging))
    return offered


def spelled(project_id: str, agent_id: str) -> dict[str, Callable[[], dict[str, Any] | None]]:
    """Return what makes the definition of each tool an agent can call, ours among them, by name.

    Opens its own transactions.

    :raises Refused: see :func:`of_agent`.
    """
    offered = of_agent(project_id, agent_id)
    found: dict[str, Callable[[], dict[str, Any] | None]] = {
        entry.name: partial(definition, entry) for entry in offered
    }
    if humans.can_be_asked() and _may_wait(project_id, agent_id, offered):
        found[humans.STATUS_TOOL] = partial(dict, asking.DEFINITION)
    return dict(sorted(found.items()))


def definition(entry: Entry) -> dict[str, Any] | None:
    """Return a tool as agents see it: as released, under our name, its hints only tightened.

    :returns: None when the released definition is not valid MCP.
    """
    released = entry.definition or {}
    told = {"name": entry.name, **{key: released[key] for key in _SHOWN if released.get(key)}}
    if hints := _hints(entry):
        told["annotations"] = hints
    try:
        types.Tool.model_validate(told, by_name=False)
    except ValidationError:
        log.warning("tool_unlistable", tool=entry.name, gateway_id=entry.gateway_id)
        return None
    return told


def lately(project_id: str, agent_id: str) -> Offers:
    """Return what an agent is offered, by name, at most half a minute old."""
    kept = remembered(project_id, agent_id)
    if kept is None:
        try:
            of_agent(project_id, agent_id)
        except Refused:
            return {}
        kept = remembered(project_id, agent_id)
    return kept or {}


def remembered(project_id: str, agent_id: str) -> Offers | None:
    """Return what :func:`lately` would without asking the database, or None when it must."""
    kept = _kept.get((project_id, agent_id))
    return kept[1] if kept is not None and kept[0] >= time.monotonic() else None


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _kept.clear()


def _may_wait(project_id: str, agent_id: str, offered: list[Entry]) -> bool:
    with pipe() as p, p.tenant_tx(project_id):
        row = p.send(_MODE, [project_id]).fetchone()
    asked = policies.of(queries.of_project(project_id))
    return row is not None and asking.is_of_use(agent_id, offered, asked, Mode(row[0]))


def _granted(bodies: Bodies, agent: Active) -> Bodies:
    """Return the gateways of which the agent was granted something."""
    names = {grant["mcp_gateway_id"] for grant in agent.body["tools"]}
    kind = Family.MCP_GATEWAY.value
    return {(kind, each): bodies[kind, each] for each in names if (kind, each) in bodies}


def _remember(
    project_id: str, agent_id: str, offered: list[Entry], logging: frozenset[str]
) -> None:
    found = {entry.name: Offer(_mirrored(entry), entry.gateway_id in logging) for entry in offered}
    with _lock:
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[project_id, agent_id] = (time.monotonic() + FRESH_SECONDS, found)


def _mirrored(entry: Entry) -> Mapping[str, Any] | None:
    schema = (entry.definition or {}).get("inputSchema", {})
    is_sound = inbound.find_invalid_x_mcp_header(schema) is None
    return schema if is_sound and inbound.x_mcp_header_map(schema) else None


def _hints(entry: Entry) -> dict[str, Any]:
    """Return a server's annotations, made stricter where the contract or the name says so."""
    said = (entry.definition or {}).get("annotations")
    said = said if isinstance(said, dict) else {}
    hints = {key: said[key] for key in ("title", *_HINTS) if said.get(key) is not None}
    ours = entry.contract.get("annotations") or {}
    if ours.get("title"):
        hints["title"] = ours["title"]
    verdict = verdicts.of(entry.contract, entry.definition, {})
    if not verdict.only_reads:
        hints["readOnlyHint"] = False
    if entry.contract.get("is_destructive") is not False or verdict.why is not None:
        hints["destructiveHint"] = True
    return hints
