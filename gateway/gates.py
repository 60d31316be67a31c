"""Five gates, in order. A gate answers; it never raises, never waits and never writes.

1 tenant · 2 agent · 3 tool · 4 scope, environment, rate and shadow · 5 approval
"""

from collections.abc import Callable
from dataclasses import dataclass

from awooop.errors import Code
from awooop.tenants.modes import Mode
from gateway import policies, switches, verdicts
from gateway.facts import Facts
from gateway.shapes import Call
from gateway.switches import Thrown


@dataclass(frozen=True, slots=True)
class Blocked:
    """The first refusal: which gate, which code, and why in words."""

    gate: int
    code: Code
    reason: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What judging itself uses up.

    :param wait: seconds until the rate allows another call, or None.
    :param ticket: what is wrong with the ticket; empty when it fits, None when there is none.
    """

    wait: int | None = None
    ticket: str | None = None


Gate = Callable[[Call, Facts], Blocked | None]


def tenant(call: Call, facts: Facts) -> Blocked | None:
    """Let in calls of active projects, by their own credentials, while no switch stops them all."""
    standing = facts.standing
    if standing.mode is None or call.home_id != call.project_id:
        return Blocked(1, Code.GATE_TENANT, "there is no such project for this credential")
    if not standing.is_active:
        return Blocked(1, Code.GATE_TENANT, "the project is switched off")
    if standing.mode is Mode.LEGACY:
        return Blocked(1, Code.GATE_TENANT, "the project has not been onboarded")
    return _killed(1, switches.stopping(standing.thrown, agent_id=call.agent_id))


def agent(call: Call, facts: Facts) -> Blocked | None:
    """Let in agents with an active contract that is what its signers signed."""
    if facts.agent is None:
        return Blocked(2, Code.GATE_AGENT, "the agent has no active, correctly signed contract")
    return None


def tool(call: Call, facts: Facts) -> Blocked | None:
    """Let in tools that were granted, are as released, and are given arguments that fit.

    A tool's own switch answers after the grant: before it, it would tell that there is such a tool.
    """
    entry = facts.entry
    if entry is None or not facts.scopes:
        return Blocked(3, Code.GATE_TOOL, "the agent has no tool of this name")
    if (killed := _tool_killed(call, facts)) is not None:
        return killed
    if entry.refusal is not None:
        return Blocked(3, Code.GATE_PIN, entry.refusal)
    if facts.misfits:
        return Blocked(3, Code.GATE_ARGUMENTS, "; ".join(facts.misfits))
    return None


def scope(call: Call, facts: Facts, spent: Spent) -> Blocked | None:
    """Let in what the grant, the place, the policy, the rate and shadow mode allow."""
    if (reason := _beyond(call, facts)) is not None:
        return Blocked(4, Code.GATE_SCOPE, reason)
    if spent.wait is not None:
        return Blocked(4, Code.GATE_RATE, "too many calls in this minute", spent.wait)
    if facts.is_shadow and facts.verdict is not None and not facts.verdict.only_reads:
        reason = facts.verdict.why or f"it needs the scope {facts.verdict.scope}"
        return Blocked(4, Code.GATE_SHADOW, f"nothing was sent: {reason}")
    return None


def approval(call: Call, facts: Facts, spent: Spent) -> Blocked | None:
    """Let in what needs no human, and what a human has said yes to."""
    if spent.ticket is not None:
        return Blocked(5, Code.GATE_APPROVAL, spent.ticket) if spent.ticket else None
    if facts.verdict is None or facts.verdict.only_reads:
        if decision(call, facts).what != "needs_approval":
            return None
    elif facts.standing.mode is not Mode.SUGGEST and decision(call, facts).what == "no_approval":
        return None
    return Blocked(5, Code.GATE_APPROVAL, "a human must decide about exactly this call")


def entrance(call: Call, facts: Facts) -> Blocked | None:
    """Judge the first three gates: what costs nothing to ask."""
    return tenant(call, facts) or agent(call, facts) or tool(call, facts)


def passage(call: Call, facts: Facts, spent: Spent) -> Blocked | None:
    """Judge the last two, for a call that is let through the first three."""
    return scope(call, facts, spent) or approval(call, facts, spent)


def still(call: Call, facts: Facts) -> Blocked | None:
    """Judge once more, by how the project stands now, a call that was let through before."""
    return tenant(call, facts) or _tool_killed(call, facts)


def decision(call: Call, facts: Facts) -> policies.Decision:
    """Return what the project's policies say of a call that is known well enough to ask."""
    assert facts.entry is not None
    assert facts.verdict is not None
    return policies.decide(
        facts.policies,
        scope=facts.verdict.scope,
        agent_id=call.agent_id,
        tool_name=facts.entry.tool_name,
        environment=facts.environment or "",
        arguments=call.arguments,
    )


def _tool_killed(call: Call, facts: Facts) -> Blocked | None:
    return _killed(3, switches.stopping_tool(facts.standing.thrown, tool=call.tool))


def _killed(gate: int, stopped: Thrown | None) -> Blocked | None:
    if stopped is None:
        return None
    return Blocked(gate, Code.KILLED, f"the kill switch of {stopped.level.label} is thrown")


def _beyond(call: Call, facts: Facts) -> str | None:
    if facts.entry is None or facts.verdict is None:
        return "nothing is known of the tool"
    if not facts.is_policy_sound:
        return "a policy of the project is not what was signed"
    if not verdicts.covers(facts.scopes, facts.verdict.scope):
        return f"the call needs the scope {facts.verdict.scope}: {facts.verdict.why or 'declared'}"
    if facts.environment is None:
        return "the project has no such environment"
    places = facts.entry.contract.get("environments")
    if places is not None and facts.environment not in places:
        return f"the tool works in {', '.join(places)} only; name one of them"
    said = decision(call, facts)
    return f"the policy's rule {said.rule} refuses it" if said.what == "refused" else None
