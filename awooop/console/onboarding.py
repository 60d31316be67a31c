"""Bringing a tenant on: its project, contracts, channel and first key, in one transaction."""

from dataclasses import dataclass
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

# A tenant starts with tools that only read.
READ_ONLY_TOOLS = (
    ("get_pods", "List the pods of a namespace with their state."),
    ("get_pod_logs", "Read the last lines of a pod's log."),
    ("query_metrics", "Query a range of metrics."),
    ("list_alerts", "List the alerts firing now."),
)


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
) -> Onboarded:
    """Bring a tenant on.

    :param ceiling: USD a month that it may spend whatever its own limits.
    :param tools: (name, description) of tools that only read.
    :param destructive: the same for tools that change the world; shadow runs block them.
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
        for family, contract_id, body in _contracts(tools, destructive):
            lifecycle.install(project_id, family, contract_id, body, actor=actor, at=at)
        Channel.objects.create(
            project_id=project_id, channel_type="alertmanager", agent_id=DEFAULT_AGENT
        )
        _, api_key = keys.issue(project_id, name="first key", actor=actor, at=at)
    names = tuple(name for name, _ in (*tools, *destructive))
    return Onboarded(project, DEFAULT_AGENT, names, api_key)


def _contracts(
    tools: tuple[tuple[str, str], ...], destructive: tuple[tuple[str, str], ...]
) -> list[tuple[Family, str, dict[str, Any]]]:
    declared = [
        {
            "tool_name": name,
            "description": description,
            "is_destructive": harms,
            "scope": "write" if harms else "read",
        }
        for group, harms in ((tools, False), (destructive, True))
        for name, description in group
    ]
    granted = [
        {
            "tool_name": tool["tool_name"],
            "mcp_gateway_id": DEFAULT_GATEWAY,
            "scopes": [tool["scope"]],
        }
        for tool in declared
    ]
    return [
        (Family.MCP_GATEWAY, DEFAULT_GATEWAY, {"provider": DEFAULT_GATEWAY, "tools": declared}),
        (Family.AGENT, DEFAULT_AGENT, {"agent_id": DEFAULT_AGENT, "tools": granted}),
    ]
