"""What exactly is done by a call, as one digest; and what a ticket for it must say."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from awooop.kit import canonical, tickets

AUDIENCE = "awooop.gateway"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # as JSON spells it, and not as somebody's own text


def action_sha256(
    *,
    project_id: str,
    agent_id: str,
    agent_revision: UUID,
    gateway_id: str,
    gateway_revision: UUID,
    tool_name: str,
    pin_sha256: str,
    environment: str,
    arguments: Mapping[str, Any],
) -> str:
    """Return the digest of an action: RFC 8785 canonical JSON, SHA-256.

    :raises NotCanonical: the arguments hold a number that readers of JSON spell differently, or a
        NUL character, which no row that waits for a human could keep.
    """
    spelled = canonical.canonical(
        {
            "project": project_id,
            "agent": [agent_id, str(agent_revision)],
            "tool": [gateway_id, str(gateway_revision), tool_name, pin_sha256],
            "environment": environment,
            "arguments": dict(arguments),
        }
    )
    if b"u0000" in spelled and _NUL.search(spelled):
        raise canonical.NotCanonical("no row keeps the NUL character")
    return canonical.sha256_of_bytes(spelled)


def bound(
    *, project_id: str, agent_id: str, tool: str, action: str, run_id: UUID | None, mode: str
) -> dict[str, Any]:
    """Return what a ticket says beyond whose yes it is and how long it holds."""
    return {
        "project": project_id,
        "agent": agent_id,
        "tool": tool,
        "action": action,
        "run": str(run_id or ""),
        "mode": mode,
    }


def ticket_id(ticket: str, *, at: datetime, says: Mapping[str, Any]) -> str:
    """Return the id of a ticket that fits, so that it can be burned.

    :raises Unfit: it does not fit.
    """
    jti: str = tickets.read(ticket, audience=AUDIENCE, at=at, bound=says)["jti"]
    return jti
