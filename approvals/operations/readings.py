"""Looking at the world for the platform: by tools that only read and the agent was granted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.operations import places
from gateway import calls
from gateway.providers.base import Answer
from gateway.shapes import Call


@dataclass(frozen=True, slots=True)
class Reading:
    """What was seen, as it came; it is judged and forgotten.

    :param why: why nothing was seen, or that the tool says it failed; fit for journals.
    """

    value: Mapping[str, Any] | None
    is_error: bool
    why: str = ""


def take(
    project_id: str,
    agent_id: str,
    gateway_id: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    actor: str,
    environment: str = "",
) -> Reading:
    """Ask a tool that only reads; it is recorded as every call is.

    Opens its own transactions and holds none while it waits.

    :raises Unavailable: the call cannot be recorded.
    """
    entry = places.beside(project_id, agent_id, gateway_id, tool)
    if entry is None:
        return Reading(None, True, f"{tool} was not granted to {agent_id}")
    result, answer = calls.ask_probe(
        Call(
            project_id=project_id,
            home_id=project_id,
            agent_id=agent_id,
            tool=entry.name,
            arguments=arguments,
            actor=actor,
            environment=environment,
        )
    )
    if answer is None:
        return Reading(None, True, result.reason)
    return Reading(value_of(answer), answer.is_error, "the tool failed" if answer.is_error else "")


def value_of(answer: Answer) -> Mapping[str, Any]:
    """Return what rules judge: the structured answer, the JSON of its text, or the text."""
    if answer.structured is not None:
        return answer.structured
    texts = [str(block.get("text")) for block in answer.content if block.get("type") == "text"]
    try:
        value = json.loads(texts[0]) if len(texts) == 1 else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"text": "\n".join(texts)}
