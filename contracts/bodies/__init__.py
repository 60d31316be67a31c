"""The bodies of contracts: six families, each a model that agrees with its JSON Schema file."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from awooop.errors import Code, Invalid
from contracts.bodies import (
    agent,
    channel_event,
    mcp_gateway,
    policy,
    project,
    reading,
    runtime_run_state,
    wording,
)
from contracts.bodies.reading import Fault
from contracts.bodies.shapes import Body

MODELS: dict[str, type[Body]] = {
    "project": project.Project,
    "agent": agent.Agent,
    "policy": policy.Policy,
    "mcp_gateway": mcp_gateway.Gateway,
    "channel_event": channel_event.ChannelEvent,
    "runtime_run_state": runtime_run_state.RunState,
}
_BEYOND: dict[str, Callable[[Any], Iterator[Fault]]] = {
    "project": project.beyond,
    "agent": agent.beyond,
    "policy": policy.beyond,
    "mcp_gateway": mcp_gateway.beyond,
    "channel_event": channel_event.beyond,
}
_MOST_TOLD = 200


def read(family: str, body: Any) -> Body:
    """Return a body as its family's model.

    :raises Invalid: it does not hold; the fact ``errors`` has every fault, each with its JSON
        Pointer as ``field`` and a ``message`` that never repeats the value.
    """
    found = faults(family, body)
    if found:
        told = [{"field": fault.field, "message": fault.message} for fault in found[:_MOST_TOLD]]
        if len(found) > _MOST_TOLD:
            told.append({"field": "", "message": f"{len(found) - _MOST_TOLD} more faults"})
        raise Invalid(
            Code.CONTRACT_INVALID,
            f"{found[0].field or 'the body'} {found[0].message}",
            errors=told,
        )
    return MODELS[family].model_validate(body)


def faults(family: str, body: Any) -> list[Fault]:
    """Return everything that is wrong with a body, in the order of its fields' places."""
    found = list(reading.foreign(body))
    if found:
        return _sorted(found)
    if reading.is_large(body):
        return [Fault((), f"is larger than {reading.LARGEST // 1024} KiB")]
    model = MODELS[family]
    try:
        model.model_validate(body)
    except ValidationError as refused:
        found = wording.faults(refused, body, model)
    if isinstance(body, dict) and family in _BEYOND:
        told = {fault.at for fault in found}
        found += [fault for fault in _BEYOND[family](body) if fault.at not in told]
    return _sorted(found)


def _sorted(found: list[Fault]) -> list[Fault]:
    return sorted(found, key=lambda fault: [_rank(step) for step in fault.at])


def _rank(step: str | int) -> tuple[int, str]:
    return (step, "") if isinstance(step, int) else (-1, step)
