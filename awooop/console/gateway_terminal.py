"""A project's gateways in a shell: each act answers an object for programs and text for people."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from awooop.console import shell
from awooop.errors import Code, NotFound
from awooop.kit.db import tenant_tx
from awooop.tenants import projects
from contracts import queries
from contracts.models import Family
from contracts.queries import Active
from gateway import naming, registry
from gateway.models import Provider, Standing, Tool
from gateway.registry import hidden

OK, FAILED, LOOK = 0, 1, 3
Told = tuple[dict[str, Any], str, int]

_SHORT = 12  # of a pin


def show(project_id: str, gateway_id: str | None, tool_name: str | None) -> Told:
    """Tell of a project's gateways and their tools; or of one tool, how it changed.

    :raises NotFound: no such project, gateway or tool.
    """
    known = _gateways(project_id, gateway_id)
    if gateway_id and tool_name:
        tool = _tool(project_id, gateway_id, tool_name)
        return _told_of_tool(tool), _page(tool), OK
    told, lines = [], []
    with tenant_tx(project_id):
        for name, gateway in known.items():
            provider = Provider.objects.filter(project_id=project_id, gateway_id=name).first()
            tools = Tool.objects.filter(project_id=project_id, gateway_id=name).defer(
                "definition", "instructions", "seen", "seen_instructions"
            )
            rows = list(tools.order_by("tool_name"))
            told.append(_told_of_gateway(name, gateway, provider, rows))
            lines += _lines(name, gateway, provider, rows)
    return {"gateways": told}, "\n".join(lines) or f"{project_id} has no gateway contract", OK


def refresh(project_id: str, gateway_id: str | None) -> Told:
    """Ask the servers for their tools now.

    :raises NotFound: no such project or gateway.
    :raises Invalid: the gateway's contract names no transport.
    """
    asked = [
        name
        for name, gateway in _gateways(project_id, gateway_id).items()
        if gateway_id or gateway.body.get("transport") is not None
    ]
    done = [
        registry.refresh(project_id, name, actor=shell.actor(), at=timezone.now()) for name in asked
    ]
    lines = [line for each in done for line in _news(each)]
    told = {"gateways": [asdict(each) for each in done]}
    text = "\n".join(lines) or f"{project_id} has no gateway with a server"
    return told, text, FAILED if any(each.error for each in done) else OK


def release(
    project_id: str, gateway_id: str, tool_name: str | None, *, pin: str | None, every: bool
) -> Told:
    """Release a tool as it was looked at, or every tool that waits and has no warning.

    :raises NotFound: no such project, gateway or tool.
    :raises Conflict: the tool is not what was looked at.
    :raises Invalid: nobody could call it.
    """
    (gateway,) = _gateways(project_id, gateway_id).values()
    if every:
        return _release_all(project_id, gateway_id, _named(gateway))
    tool = _tool(project_id, gateway_id, tool_name or "")
    if not pin:
        again = f"manage.py gateway release {project_id} {gateway_id} {tool.tool_name}"
        hint = f"\nNothing was released. Having looked at it: {again} --pin {tool.seen_sha256}"
        return _told_of_tool(tool), _page(tool) + hint, LOOK
    with tenant_tx(project_id):
        made = registry.release(
            project_id,
            gateway_id,
            tool.tool_name,
            pin_sha256=pin,
            actor=shell.actor(),
            at=timezone.now(),
        )
    return _told_of_tool(made), f"{gateway_id} {made.tool_name}: released", OK


def suspend(project_id: str, gateway_id: str, tool_name: str) -> Told:
    """Take a tool from agents.

    :raises NotFound: no such project, gateway or tool.
    """
    _gateways(project_id, gateway_id)
    with tenant_tx(project_id):
        made = registry.suspend(
            project_id, gateway_id, tool_name, actor=shell.actor(), at=timezone.now()
        )
    return _told_of_tool(made), f"{gateway_id} {made.tool_name}: suspended", OK


def spelled(told: Any) -> str:
    """Return an object as JSON."""
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False)


def _news(each: registry.Refreshed) -> Iterator[str]:
    if each.error is not None:
        yield f"{each.gateway_id}: {each.error.value} {each.error.title}"
        return
    yield f"{each.gateway_id}: {each.tools} tools"
    for word in ("released", "quarantined", "suspended", "gone"):
        if names := getattr(each, word):
            yield f"  {word}: {', '.join(names)}"
    yield from (f"  ! {fault}" for fault in each.faults)


def _release_all(project_id: str, gateway_id: str, named: Collection[str]) -> Told:
    with tenant_tx(project_id):
        done = registry.release_all(
            project_id, gateway_id, actor=shell.actor(), at=timezone.now(), only=named
        )
        waiting = Tool.objects.filter(
            project_id=project_id,
            gateway_id=gateway_id,
            tool_name__in=named,
            standing__in=[Standing.QUARANTINED, Standing.SUSPENDED],
        )
        left = sorted(waiting.values_list("tool_name", flat=True))
    lines = [f"{gateway_id}: {len(done)} released{': ' if done else ''}{', '.join(done)}"]
    if left:
        lines.append(f"  these need a closer look: {', '.join(left)}")
    return {"released": done, "left": left}, "\n".join(lines), LOOK if left else OK


def _gateways(project_id: str, gateway_id: str | None) -> dict[str, Active]:
    with tenant_tx(project_id):
        projects.get(project_id)
    found = {
        name: active
        for (family, name), active in sorted(queries.of_project(project_id).items())
        if family == Family.MCP_GATEWAY.value and gateway_id in (None, name)
    }
    if gateway_id and not found:
        raise NotFound(Code.TOOL_UNKNOWN, f"{project_id} has no active gateway {gateway_id!r:.100}")
    return found


def _tool(project_id: str, gateway_id: str, tool_name: str) -> Tool:
    with tenant_tx(project_id):
        mine = Tool.objects.filter(project_id=project_id, gateway_id=gateway_id)
        if (found := mine.filter(tool_name=tool_name).first()) is None:
            raise NotFound(Code.TOOL_UNKNOWN)
        return found


def _named(gateway: Active) -> dict[str, Mapping[str, Any]]:
    return {tool["tool_name"]: tool for tool in gateway.body["tools"]}


def _told_of_tool(tool: Tool) -> dict[str, Any]:
    names = (
        *("gateway_id", "tool_name", "standing", "pin_sha256", "seen_sha256", "warnings"),
        *("renamed_from", "released_by", "released_at", "suspended_by"),
    )
    return {name: getattr(tool, name) for name in names}


def _told_of_gateway(
    name: str, gateway: Active, provider: Provider | None, rows: list[Tool]
) -> dict[str, Any]:
    named = _named(gateway)
    return {
        "gateway_id": name,
        "provider": gateway.body["provider"],
        "listed_at": provider.listed_at if provider else None,
        "error_code": provider.error_code if provider else None,
        "faults": provider.faults if provider else [],
        "tools": [{**_told_of_tool(row), "is_contracted": row.tool_name in named} for row in rows],
        "not_listed": sorted(named.keys() - {row.tool_name for row in rows}),
    }


def _lines(name: str, gateway: Active, provider: Provider | None, rows: list[Tool]) -> list[str]:
    transport = gateway.body.get("transport")
    if transport is None:
        return [f"{name}: no server; its contract names no transport"]
    lines = [f"{name} ({transport['kind']}): {hidden.visible(_state(provider))}"]
    named, plain = _named(gateway), bool(gateway.body.get("plain_names"))
    for row in rows:
        known_as = naming.of(row.tool_name, gateway.body["provider"], plain=plain)
        lines.append(
            f"  {row.standing:<12}{known_as}  {row.seen_sha256[:_SHORT]}{_notes(row, named)}"
        )
    missing = sorted(named.keys() - {row.tool_name for row in rows})
    lines += [f"  {'not listed':<12}{tool}" for tool in missing]
    return [*lines, *(f"  ! {fault}" for fault in (provider.faults if provider else ()))]


def _state(provider: Provider | None) -> str:
    if provider is None:
        return "never listed"
    listed = f"listed {provider.listed_at:%Y-%m-%d %H:%M} UTC" if provider.listed_at else None
    failed = provider.error_code and f"{provider.error_code} {provider.error_detail}"
    return "; ".join(filter(None, (listed, failed))) or "never listed"


def _notes(row: Tool, named: Collection[str]) -> str:
    notes = [
        *(["not in the contract"] if row.tool_name not in named else []),
        *([f"was {row.renamed_from}"] if row.renamed_from else []),
        *([f"suspended by {row.suspended_by}"] if row.suspended_by else []),
        *sorted({f"warning: {each['kind']}" for each in row.warnings}),
    ]
    return f"  ({'; '.join(notes)})" if notes else ""


def _page(tool: Tool) -> str:
    lines = [
        f"{tool.gateway_id} {tool.tool_name}: {tool.standing}",
        f"  pin       {tool.seen_sha256}",
        f"  released  {tool.pin_sha256 or 'never'}",
        *(f"  ! {each['kind']} in {each['where']}: {each['excerpt']}" for each in tool.warnings),
    ]
    return "\n".join([*lines, registry.of_tool(tool) or "  as released"])
