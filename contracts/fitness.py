"""Whether a body fits the project it is published in: its tools exist, its limits are allowed."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from awooop.errors import Code, Invalid
from awooop.kit.db import in_tx
from contracts import output
from contracts.bodies.reading import Fault
from contracts.models import ContractRevision, Family, Lifecycle

_LIMITS = ("steps", "tokens", "usd", "seconds")


@in_tx
def refuse_unfit(project_id: str, family: Family, body: Mapping[str, Any]) -> None:
    """Let only a body through that fits the project's active contracts.

    :raises Invalid: the fact ``errors`` has every misfit, as for a body that is wrong in itself.
    """
    if family != Family.AGENT:
        return
    found = list(_of_agent(body, _active(project_id)))
    if found:
        told = [{"field": fault.field, "message": fault.message} for fault in found]
        first = told[0]
        raise Invalid(Code.CONTRACT_INVALID, f"{first['field']} {first['message']}", errors=told)


def _active(project_id: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    rows = ContractRevision.objects.filter(
        project_id=project_id,
        lifecycle_status=Lifecycle.ACTIVE,
        contract_family__in=[Family.MCP_GATEWAY, Family.PROJECT],
    )
    return {(row.contract_family, row.contract_id): row.body for row in rows}


def _of_agent(
    body: Mapping[str, Any], active: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Iterator[Fault]:
    for number, grant in enumerate(body.get("tools", ())):
        yield from _of_grant(("tools", number), grant, active)
    allowed = [
        limits["run"]
        for (family, _), project in active.items()
        if family == Family.PROJECT and (limits := project.get("limits")) and limits.get("run")
    ]
    for most in allowed:
        yield from _of_limits(body.get("limits") or {}, most)
    if (schema := body.get("output_schema")) is not None:
        for fault in output.check_schema(schema):
            yield Fault(("output_schema", *fault.at), fault.message)


def _of_grant(
    at: tuple[str | int, ...], grant: Mapping[str, Any], active: Mapping[Any, Mapping[str, Any]]
) -> Iterator[Fault]:
    gateway = active.get((Family.MCP_GATEWAY, grant["mcp_gateway_id"]))
    if gateway is None:
        yield Fault((*at, "mcp_gateway_id"), "names no active gateway contract of this project")
        return
    tools = {tool["tool_name"]: tool for tool in gateway.get("tools", ())}
    tool = tools.get(grant["tool_name"])
    if tool is None:
        yield Fault((*at, "tool_name"), "is not among the tools of that gateway's contract")
    elif tool["scope"] not in grant["scopes"]:
        yield Fault((*at, "scopes"), f"lacks the scope {tool['scope']}, which the tool needs")


def _of_limits(own: Mapping[str, Any], most: Mapping[str, Any]) -> Iterator[Fault]:
    for name in _LIMITS:
        if own.get(name) is None or most.get(name) is None:
            continue
        if Decimal(str(own[name])) > Decimal(str(most[name])):
            yield Fault(("limits", name), f"is more than the project's {most[name]} for a run")
