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
from gateway import catalog, verdicts
from gateway.catalog import Catalog
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


def walk(project_id: str, agent_id: str, bodies: Bodies) -> Walk | None:
    """Return the walk over an agent's tools, or None when the agent has no active contract."""
    agent = bodies.get((Family.AGENT.value, agent_id))
    if agent is None:
        return None
    number, tools = catalog.lately(project_id, bodies)
    # Any change of any contract of the project, or of its tools, gives another key.
    hashes = sorted(active.body_hash for active in bodies.values())
    name = (project_id, str(number), agent.body_hash, *hashes)
    if (kept := _walks.get(name)) is not None:
        return kept
    made = _make(agent.body, tools)
    with _lock:
        if len(_walks) >= _MOST_PLANS:
            _walks.clear()
        _walks[name] = made
    return made


def _make(agent: Mapping[str, Any], tools: Catalog) -> Walk:
    rows = [_step(seq, tool, tools) for seq, tool in enumerate(agent.get("tools", ()), start=1)]
    return Walk(
        steps=leases.steps_json(rows),
        step_count=len(rows),
        blocked=sum(row["was_blocked"] for row in rows),
        output_sha256=canonical.sha256_of(rows),
    )


def _step(seq: int, grant: Mapping[str, Any], tools: Catalog) -> dict[str, Any]:
    name, gateway_id = grant["tool_name"], grant["mcp_gateway_id"]
    entry = tools.by_place.get((gateway_id, name))
    # As the gateway judges a call; what no gateway contract names is unknown, and so blocked.
    blocked = entry is None or not verdicts.of(entry.contract, entry.definition, {}).only_reads
    return {
        "step_seq": seq,
        "tool_name": name,
        "mcp_gateway_id": gateway_id,
        "result_status": StepStatus.BLOCKED.value if blocked else StepStatus.SIMULATED.value,
        "was_blocked": blocked,
        "block_reason": BLOCKED if blocked else None,
    }


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _walks.clear()
