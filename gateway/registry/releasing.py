"""An operator's word on a tool: agents may use it as it is now, or not at all."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Conflict, Invalid, NotFound
from awooop.kit.db import in_tx
from gateway.models import Standing, Tool
from gateway.registry import listing, locks

_LONGEST_ACTOR = 150


@in_tx
def release(
    project_id: str,
    gateway_id: str,
    tool_name: str,
    *,
    pin_sha256: str,
    actor: str,
    at: datetime,
) -> Tool:
    """Let agents use a tool as its server defines it now; done again it changes nothing.

    :param pin_sha256: of the definition that was looked at.
    :raises NotFound: no such tool was ever listed.
    :raises Conflict: it is not what was looked at any more, or is offered no longer.
    :raises Invalid: nobody could call it: its input schema cannot be used.
    """
    locks.take(project_id, gateway_id)
    found = _found(project_id, gateway_id, tool_name)
    if found.standing == Standing.GONE:
        raise Conflict(Code.TOOL_CHANGED, "its server offers it no longer")
    if found.seen_sha256 != pin_sha256:
        raise Conflict(Code.TOOL_CHANGED, seen_sha256=found.seen_sha256)
    if reason := _unusable(found):
        raise Invalid(Code.TOOL_UNFIT, reason)
    if found.standing != Standing.RELEASED or found.pin_sha256 != pin_sha256:
        _release(found, actor, at)
    return found


@in_tx
def release_all(
    project_id: str,
    gateway_id: str,
    *,
    actor: str,
    at: datetime,
    only: Collection[str] | None = None,
) -> list[str]:
    """Release every tool that waits and gives no cause for a closer look; return their names.

    Left alone are tools with warnings, and those that an operator suspended.

    :param only: no others than these.
    """
    locks.take(project_id, gateway_id)
    waiting = Tool.objects.filter(
        project_id=project_id,
        gateway_id=gateway_id,
        standing__in=[Standing.QUARANTINED, Standing.SUSPENDED],
        suspended_by=None,
        warnings=[],
    ).order_by("tool_name")
    found = [tool for tool in waiting if only is None or tool.tool_name in only]
    for tool in found:
        _keep(tool, actor, at)
    for tool in found:
        _record(Act.TOOL_RELEASED, tool, actor)
    return [tool.tool_name for tool in found]


@in_tx
def suspend(project_id: str, gateway_id: str, tool_name: str, *, actor: str, at: datetime) -> Tool:
    """Take a tool from agents until an operator releases it, whatever its server or contract say.

    :raises NotFound: no such tool was ever listed.
    """
    locks.take(project_id, gateway_id)
    found = _found(project_id, gateway_id, tool_name)
    if found.suspended_by is not None:
        return found
    found.suspended_by = actor[:_LONGEST_ACTOR]
    if found.standing != Standing.GONE:
        found.standing = Standing.SUSPENDED
    _save(found, suspended_by=found.suspended_by, standing=found.standing)
    _record(Act.TOOL_SUSPENDED, found, actor)
    return found


def _found(project_id: str, gateway_id: str, tool_name: str) -> Tool:
    mine = Tool.objects.filter(project_id=project_id, gateway_id=gateway_id, tool_name=tool_name)
    if (found := mine.first()) is None:
        raise NotFound(Code.TOOL_UNKNOWN)
    return found


def _unusable(tool: Tool) -> str | None:
    for warning in tool.warnings:
        if warning["kind"] == listing.UNUSABLE and warning["where"] == "/inputSchema":
            return f"its input schema cannot be used: {warning['excerpt']}"
    return None


def _release(tool: Tool, actor: str, at: datetime) -> None:
    _keep(tool, actor, at)
    _record(Act.TOOL_RELEASED, tool, actor)


def _keep(tool: Tool, actor: str, at: datetime) -> None:
    """Keep what is seen now as what is released."""
    kept: dict[str, Any] = {
        "standing": Standing.RELEASED,
        "definition": tool.seen,
        "instructions": tool.seen_instructions,
        "pin_sha256": tool.seen_sha256,
        "released_by": actor[:_LONGEST_ACTOR],
        "released_at": at,
        "suspended_by": None,
    }
    _save(tool, **kept)
    for name, value in kept.items():
        setattr(tool, name, value)


def _save(tool: Tool, **fields: Any) -> None:
    Tool.objects.filter(
        project_id=tool.project_id, gateway_id=tool.gateway_id, tool_name=tool.tool_name
    ).update(**fields)


def _record(act: Act, tool: Tool, actor: str) -> None:
    sink.record(
        tool.project_id,
        act,
        actor=actor,
        target=("tool", f"{tool.gateway_id}/{tool.tool_name}"),
        facts={
            "definition_sha256": tool.seen_sha256,
            "by": actor,
            "warnings": sorted({warning["kind"] for warning in tool.warnings}),
        },
    )
