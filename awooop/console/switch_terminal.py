"""Kill switches in a shell: each act answers an object for programs and text for people."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from awooop.console import shell
from awooop.kit.db import EVERYONE, operator_tx, tenant_tx
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import projects
from contracts import queries
from contracts.models import Family
from gateway import naming, switches
from gateway.models import Level, PlatformSwitch, Switch

Told = tuple[dict[str, Any], str]


def throw(level: Level, project_id: str, key: str, *, reason: str) -> Told:
    """Throw a switch, and answer once no call that it stops can start any more.

    :raises NotFound: no such project.
    :raises Invalid: the level needs a key, or takes none.
    """
    if project_id != PLATFORM:
        with tenant_tx(project_id):
            projects.get(project_id)
    made = switches.throw(
        level, project_id=project_id, key=key, reason=reason, actor=shell.actor(), at=timezone.now()
    )
    told = {"switch_id": made, "level": level.value, "project_id": project_id, "key": key}
    where = " ".join(filter(None, (_scope(project_id), key)))
    lines = [f"Thrown: {level.value} {where}. No call that it stops starts any more.".strip()]
    if level in (Level.AGENT, Level.TOOL) and not _is_known(level, project_id, key):
        told["is_known"] = False
        lines.append(
            f"! No contract of {project_id} names this {level.value}: it stops nothing now."
        )
    again = f"manage.py kill_switch lift {made} {_scope(project_id)}".rstrip()
    return told, "\n".join([*lines, f"To lift it: {again}"])


def lift(project_id: str, switch_id: UUID) -> Told:
    """Lift a switch.

    :raises NotFound: no such switch is thrown there.
    """
    switches.lift(switch_id, project_id=project_id, actor=shell.actor(), at=timezone.now())
    return {"switch_id": switch_id, "project_id": project_id}, f"Lifted: {switch_id}"


def show(project_id: str | None) -> Told:
    """Tell of the open switches: of the platform, and of one project or of all.

    :raises NotFound: no such project.
    """
    if project_id is not None:
        with tenant_tx(project_id):
            projects.get(project_id)
    with operator_tx(EVERYONE if project_id is None else {project_id}):
        rows: list[Any] = [*PlatformSwitch.objects.filter(lifted_at=None).order_by("armed_at")]
        rows += Switch.objects.filter(lifted_at=None).order_by("project_id", "armed_at")
    told = [_told(row) for row in rows]
    return {"switches": told}, "\n".join(map(_line, told)) or "No kill switch is thrown."


def _told(row: Any) -> dict[str, Any]:
    return {
        "switch_id": row.switch_id,
        "project_id": getattr(row, "project_id", PLATFORM),
        "level": getattr(row, "level", Level.PLATFORM.value),
        "key": getattr(row, "key", ""),
        "reason": row.reason,
        "thrown_by": row.thrown_by,
        "armed_at": row.armed_at,
        "thrown_at": row.thrown_at,
    }


def _line(told: dict[str, Any]) -> str:
    where = " ".join(filter(None, (_scope(told["project_id"]), told["key"])))
    return (
        f"{told['switch_id']}  {told['level']} {where}".rstrip()
        + f"  by {told['thrown_by']} at {told['armed_at']:%Y-%m-%d %H:%M} UTC"
        + (f": {told['reason']}" if told["reason"] else "")
    )


def _scope(project_id: str) -> str:
    return "" if project_id == PLATFORM else project_id


def _is_known(level: Level, project_id: str, key: str) -> bool:
    bodies = queries.of_project(project_id)
    if level is Level.AGENT:
        return (Family.AGENT.value, key) in bodies
    return any(
        naming.of(tool["tool_name"], active.body["provider"], plain=_is_plain(active.body)) == key
        for (family, _), active in bodies.items()
        if family == Family.MCP_GATEWAY.value
        for tool in active.body["tools"]
    )


def _is_plain(body: Any) -> bool:
    return bool(body.get("plain_names", False))
