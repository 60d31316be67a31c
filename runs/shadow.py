"""Shadow execution without a model: what the agent's tools would have done, and what was stopped.

Nothing is dispatched. Each tool of the agent's contract is journalled as ``simulated``, or as
``blocked`` when it could do harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from awooop.kit import canonical
from contracts.models import Family
from contracts.queries import Bodies
from gateway import harm
from runs import leases
from runs.models import StepStatus

BLOCKED = "shadow_mode_destructive_blocked"
_MOST_PLANS = 1_000


@dataclass(frozen=True, slots=True)
class Walk:
    """The journal of one shadow walk; equal for every run of the same contracts."""

    steps: str
    step_count: int
    blocked: int
    output_sha256: str


_walks: dict[tuple[str, ...], Walk] = {}
_lock = Lock()


def walk(agent_id: str, bodies: Bodies) -> Walk | None:
    """Return the walk over an agent's tools, or None when the agent has no active contract."""
    agent = bodies.get((Family.AGENT.value, agent_id))
    if agent is None:
        return None
    # Any change of any contract of the project gives another key.
    name = (agent.body_hash, *sorted(active.body_hash for active in bodies.values()))
    if (kept := _walks.get(name)) is not None:
        return kept
    made = _make(agent.body, bodies)
    with _lock:
        if len(_walks) >= _MOST_PLANS:
            _walks.clear()
        _walks[name] = made
    return made


def _make(agent: Mapping[str, Any], bodies: Bodies) -> Walk:
    rows = [_step(seq, tool, bodies) for seq, tool in enumerate(agent.get("tools", ()), start=1)]
    return Walk(
        steps=leases.steps_json(rows),
        step_count=len(rows),
        blocked=sum(row["was_blocked"] for row in rows),
        output_sha256=canonical.sha256_of(rows),
    )


def _step(seq: int, tool: Mapping[str, Any], bodies: Bodies) -> dict[str, Any]:
    name, gateway_id = tool["tool_name"], tool.get("mcp_gateway_id")
    blocked = harm.is_destructive(name, {}, declared(name, gateway_id, bodies))
    return {
        "step_seq": seq,
        "tool_name": name,
        "mcp_gateway_id": gateway_id,
        "result_status": StepStatus.BLOCKED.value if blocked else StepStatus.SIMULATED.value,
        "was_blocked": blocked,
        "block_reason": BLOCKED if blocked else None,
    }


def declared(tool_name: str, gateway_id: str | None, bodies: Bodies) -> dict[str, Any] | None:
    """Return what the gateway contract says of a tool, or None when it says nothing."""
    contract = bodies.get((Family.MCP_GATEWAY.value, gateway_id or ""))
    if contract is None:
        return None
    for tool in contract.body.get("tools", ()):
        if tool.get("tool_name") == tool_name:
            return dict(tool)
    return None


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _walks.clear()
