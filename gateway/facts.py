"""Everything the gates judge by, gathered in one round trip and from this process's memory."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from awooop.kit.canonical import NotCanonical
from awooop.tenants.modes import Mode
from contracts import queries
from contracts.bodies.policy import Policy
from contracts.models import Family
from contracts.queries import Active, Bodies
from gateway import catalog, grants, policies, results, rules, schemas, standings, verdicts
from gateway.catalog import Entry
from gateway.shapes import Call
from gateway.standings import Standing
from gateway.verdicts import Verdict

_SPARE_SECONDS = 0.1  # of a permit, that judging and sending may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a call.

    :param agent: its sound contract, or None.
    :param entry: the tool by the name that was called, or None.
    :param scopes: what the agent was granted of it; empty when nothing.
    :param environment: where the call acts, or None when that cannot be told.
    :param leaving: the arguments as they would be sent: without secrets.
    :param misfits: what is wrong with the arguments.
    :param action: the digest of exactly this call; empty while it cannot be made.
    :param is_policy_sound: False when a policy was altered: nobody knows what it said.
    """

    standing: Standing
    agent: Active | None = None
    entry: Entry | None = None
    scopes: tuple[str, ...] = ()
    verdict: Verdict | None = None
    policies: tuple[Policy, ...] = ()
    is_policy_sound: bool = True
    environment: str | None = None
    leaving: Mapping[str, Any] = field(default_factory=dict, repr=False)
    misfits: tuple[str, ...] = ()
    action: str = ""
    is_shadow: bool = True


def gather(call: Call) -> Facts:
    """Gather what the gates ask for.

    :raises Unavailable: what happens could not be recorded.
    """
    standing = _standing(call)
    if standing.mode is None:
        return Facts(standing=standing)
    bodies = queries.of_project(call.project_id)
    altered = queries.altered(call.project_id)
    agent = bodies.get((Family.AGENT.value, call.agent_id))
    known = catalog.of_project(call.project_id, bodies, standing.number)
    entry = known.by_name.get(call.tool)
    asked = policies.of(bodies)
    whose: dict[str, Any] = {
        "standing": standing,
        "agent": agent,
        "entry": entry,
        "policies": asked,
        "is_policy_sound": all(family != Family.POLICY.value for family, _ in altered),
        "is_shadow": is_shadow(standing.mode, call.is_shadow),
    }
    if agent is None or entry is None:
        return Facts(**whose)
    environment = _environment(bodies, call.environment)
    leaving = results.outgoing(call.arguments, asked)
    misfits, action = _arguments(call, leaving, agent, entry, environment or "")
    return Facts(
        **whose,
        leaving=leaving,
        scopes=scopes(agent, entry),
        verdict=verdicts.of(entry.contract, entry.definition, call.arguments),
        environment=environment,
        misfits=misfits,
        action=action,
    )


def _standing(call: Call) -> Standing:
    """Return how the project stands: as whoever let the caller in saw it a moment ago, or now."""
    seen = call.look() if call.look is not None else None
    if seen is not None and time.monotonic() < seen.permit.until - _SPARE_SECONDS:
        return seen
    return standings.now(call.project_id)


def is_shadow(mode: Mode, of_run: bool | None) -> bool:
    """Tell whether a call may not change anything.

    A run keeps what it was born with, but a project that was demoted is believed at once. Outside
    a run, a canary's share is nobody's: such calls are live only where every run would be.
    """
    if mode in (Mode.LEGACY, Mode.SHADOW):
        return True
    if of_run is None:
        return mode is Mode.CANARY
    return of_run


def scopes(agent: Active, entry: Entry) -> tuple[str, ...]:
    """Return the scopes an agent was granted of a tool; none when it was not granted at all."""
    for grant in agent.body.get("tools", ()):
        if (grant["mcp_gateway_id"], grant["tool_name"]) == (entry.gateway_id, entry.tool_name):
            return tuple(grant.get("scopes", ("read",)))
    return ()


def _environment(bodies: Bodies, asked: str) -> str | None:
    """Return where a call acts: as asked, or where the project has only one place."""
    declared = [
        environment["name"]
        for (family, _), active in bodies.items()
        if family == Family.PROJECT.value
        for environment in active.body.get("environments", ({"name": "production"},))
    ]
    if asked:
        return asked if asked in declared or not declared else None
    return declared[0] if len(declared) == 1 else ""


def _arguments(
    call: Call, leaving: Mapping[str, Any], agent: Active, entry: Entry, environment: str
) -> tuple[tuple[str, ...], str]:
    """Return what is wrong with the arguments, and the digest of the action: of what leaves."""
    try:
        action = grants.action_sha256(
            project_id=call.project_id,
            agent_id=call.agent_id,
            agent_revision=agent.revision_id,
            gateway_id=entry.gateway_id,
            gateway_revision=entry.gateway.revision_id,
            tool_name=entry.tool_name,
            pin_sha256=entry.pin_sha256 or "",
            environment=environment,
            arguments=leaving,
        )
    except NotCanonical as reason:
        return (f"the arguments cannot be told apart from others: {reason}",), ""
    found = list(_fit(entry, call.arguments))
    found += rules.misfits(entry.contract.get("arguments", ()), call.arguments)
    return tuple(found), action


def _fit(entry: Entry, arguments: Mapping[str, Any]) -> list[str]:
    return schemas.faults(entry.validator, dict(arguments)) if entry.validator else []
