"""Bringing a tenant on: its project, contracts, channel and first key, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from awooop.kit.db import tenant_tx
from awooop.tenants import keys, projects
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from channels_hub.models import Channel
from contracts import lifecycle
from contracts.models import Family

DEFAULT_AGENT = "sre-agent"
DEFAULT_GATEWAY = "observability"
DEFAULT_POLICY = "default"

# A tenant starts in shadow mode, where this lets its agents look at real things. One signer is
# enough until the project has people; it raises the quorum with its next policy.
POLICY = {
    "description": "Shadow runs may look; whatever changes something needs a human.",
    "quorum": {"activation": 1},
    "shadow": {"reads": "execute"},
}

# A tenant starts with tools that only read.
READ_ONLY_TOOLS = (
    ("get_pods", "List the pods of a namespace with their state."),
    ("get_pod_logs", "Read the last lines of a pod's log."),
    ("query_metrics", "Query a range of metrics."),
    ("list_alerts", "List the alerts firing now."),
)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind a tenant's gateway contract.

    :param transport: as the contract spells it; None while there is no server.
    :param pins: what is released of its tools without a look, by name.
    """

    gateway_id: str = DEFAULT_GATEWAY
    transport: Mapping[str, Any] | None = None
    private_addresses: tuple[str, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Onboarded:
    """A new tenant; ``api_key`` is shown once and kept nowhere."""

    project: Project
    agent_id: str
    tools: tuple[str, ...]
    api_key: str


def onboard(
    project_id: str,
    *,
    display_name: str,
    mode: Mode,
    actor: str,
    at: datetime,
    ceiling: Decimal | None = None,
    tools: tuple[tuple[str, str], ...] = READ_ONLY_TOOLS,
    destructive: tuple[tuple[str, str], ...] = (),
    upstream: Upstream = Upstream(),
) -> Onboarded:
    """Bring a tenant on.

    :param ceiling: USD a month that it may spend whatever its own limits.
    :param tools: (name, description) of tools that only read.
    :param destructive: the same for tools that change the world; shadow runs block them.
    :param upstream: where the tools are.
    :raises Invalid: the id is malformed, or the ceiling is no amount.
    :raises Conflict: the project exists.
    """
    projects.check_id(project_id)
    with tenant_tx(project_id):
        project = projects.create(
            project_id,
            display_name=display_name,
            mode=mode,
            actor=actor,
            at=at,
            ceiling=ceiling,
        )
        for family, contract_id, body in contracts(tools, destructive, upstream):
            lifecycle.install(project_id, family, contract_id, body, actor=actor, at=at)
        Channel.objects.create(
            project_id=project_id, channel_type="alertmanager", agent_id=DEFAULT_AGENT
        )
        _, api_key = keys.issue(project_id, name="first key", actor=actor, at=at)
    names = tuple(name for name, _ in (*tools, *destructive))
    return Onboarded(project, DEFAULT_AGENT, names, api_key)


def contracts(
    tools: tuple[tuple[str, str], ...],
    destructive: tuple[tuple[str, str], ...],
    upstream: Upstream,
) -> list[tuple[Family, str, dict[str, Any]]]:
    """Return the contracts that a tenant starts with: its policy, its gateway, its agent."""
    declared = [
        _declared(name, description, harms, upstream)
        for group, harms in ((tools, False), (destructive, True))
        for name, description in group
    ]
    granted = [
        {
            "tool_name": tool["tool_name"],
            "mcp_gateway_id": upstream.gateway_id,
            "scopes": [tool["scope"]],
        }
        for tool in declared
    ]
    gateway: dict[str, Any] = {"provider": upstream.gateway_id, "tools": declared}
    if upstream.transport is not None:
        gateway["transport"] = dict(upstream.transport)
        gateway["private_addresses"] = list(upstream.private_addresses)
    return [
        (Family.POLICY, DEFAULT_POLICY, POLICY),
        (Family.MCP_GATEWAY, upstream.gateway_id, gateway),
        (Family.AGENT, DEFAULT_AGENT, {"agent_id": DEFAULT_AGENT, "tools": granted}),
    ]


def _declared(name: str, description: str, harms: bool, upstream: Upstream) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tool_name": name,
        "description": description,
        "is_destructive": harms,
        "scope": "write" if harms else "read",
    }
    return {**made, "description_sha256": upstream.pins[name]} if name in upstream.pins else made
