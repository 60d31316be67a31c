"""A call's result as MCP spells it."""

from typing import Any

import mcp_types as types
from pydantic import ValidationError

from awooop.errors import AwoooPError
from gateway import humans, wording
from gateway.models import Status
from gateway.shapes import Asked, Result

CALL_ID = "awooop.platform/call_id"  # under _meta of every answer


def of(result: Result) -> dict[str, Any]:
    """Return what a tools/call answers: the tool's own words, or why there are none."""
    told: dict[str, Any] = {
        "content": [dict(block) for block in result.content],
        "isError": result.is_error or result.status not in (Status.SUCCESS, Status.SIMULATED),
        "resultType": "complete",
        "_meta": {CALL_ID: str(result.call_id)},
    }
    if result.code is not None:
        told["structuredContent"] = {"call_id": str(result.call_id), **reasons(result)}
    elif result.structured is not None:
        told["structuredContent"] = dict(result.structured)
    return told


def of_error(reason: AwoooPError) -> dict[str, Any]:
    """Return what a tools/call answers that could not even be judged."""
    facts = {"code": reason.code.value, "reason": reason.detail, "hint": reason.code.hint}
    text = f"{reason.code.value}: {wording.sentences(reason.detail, reason.code.hint)}"
    return {
        "content": [{"type": "text", "text": text}],
        "structuredContent": facts,
        "isError": True,
        "resultType": "complete",
    }


def needs(result: Result) -> dict[str, Any] | None:
    """Return which capabilities of a client a tool misses, when that is why it failed."""
    said = (result.structured or {}).get("requiredCapabilities")
    if not result.is_error or result.code is not None or not isinstance(said, dict):
        return None
    try:
        known = types.ClientCapabilities.model_validate(said, by_name=False)
    except ValidationError:
        return None
    dumped = known.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {"requiredCapabilities": {name: {} for name in dumped if name in said}}


def reasons(result: Result) -> dict[str, Any]:
    """Return why a call was not carried out, for programs."""
    assert result.code is not None
    told = {
        "code": result.code.value,
        "gate": result.gate,
        "reason": result.reason or result.code.title,
        "hint": result.code.hint,
        "retry_after": result.retry_after,
    }
    return told if result.asked is None else {**told, "approval": _waiting(result.asked)}


def _waiting(asked: Asked) -> dict[str, Any]:
    """Return which request a call has become, and how its agent can ask for it."""
    return {
        "approval_id": str(asked.approval_id),
        "run_id": str(asked.run_id),
        "expires_at": asked.expires_at.isoformat(),
        "link": asked.link,
        "status_tool": humans.STATUS_TOOL,
    }
