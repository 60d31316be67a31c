"""What a project's policy contracts say of one call; where several are active, the strictest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from awooop.kit.memo import OfObject
from awooop.kit.redaction import Policy as Hidden
from contracts import bodies as families
from contracts.bodies.policy import Policy, Rule
from contracts.models import Family
from contracts.queries import Active, Bodies
from gateway import rules

_MOST_KEPT = 1_000
_read_before: dict[str, Policy] = {}
_WORST = ("no_approval", "needs_approval", "refused")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy wants for a call: ``no_approval``, ``needs_approval`` or ``refused``.

    :param rule: the rule that says so, if one does.
    """

    what: str
    rule: str | None = None


def of(bodies: Bodies) -> tuple[Policy, ...]:
    """Return the active policies; the defaults where a project has none."""
    return _of(bodies)


def executes_reads(policies: Iterable[Policy]) -> bool:
    """Tell whether shadow runs send what only reads."""
    return all(policy.shadow.reads == "execute" for policy in policies)


def redaction(policies: Iterable[Policy]) -> Hidden | None:
    """Return what all policies together hide besides what always is."""
    return _redaction(policies if isinstance(policies, tuple) else tuple(policies))


def _read_all(bodies: Bodies) -> tuple[Policy, ...]:
    active = [each for (family, _), each in bodies.items() if family == Family.POLICY.value]
    return tuple(_read(each) for each in active) or (Policy(),)


def _hidden(policies: tuple[Policy, ...]) -> Hidden | None:
    asked = [policy.redaction for policy in policies]
    if not any(each.classes or each.patterns or each.names for each in asked):
        return None
    return Hidden(
        classes=frozenset(name for each in asked for name in each.classes),
        patterns=tuple(sorted({pair for each in asked for pair in each.patterns.items()})),
        names=frozenset(name for each in asked for name in each.names),
    )


_of = OfObject(_read_all)
_redaction = OfObject(_hidden)


def decide(
    policies: Iterable[Policy],
    *,
    scope: str,
    agent_id: str,
    tool_name: str,
    environment: str,
    arguments: Mapping[str, Any],
) -> Decision:
    """Return the strictest decision of all policies; in each, the first rule that matches."""
    call = (scope, agent_id, tool_name, environment, arguments)
    return max((_decide(policy, *call) for policy in policies), key=lambda d: _WORST.index(d.what))


def may_ask(policy: Policy, scope: str, agent_id: str, tool_name: str) -> bool:
    """Tell whether a policy asks a human about some call of a tool."""
    return scope in policy.approval.required_scopes or any(
        rule.decision == "needs_approval"
        and (not rule.agents or agent_id in rule.agents)
        and (not rule.tools or any(_fits(glob, tool_name) for glob in rule.tools))
        for rule in policy.approval.rules
    )


def rates(
    policies: Iterable[Policy], *, agent_id: str, tool_name: str, gateway_id: str
) -> dict[str, int]:
    """Return how many calls a minute fit, by what is counted; the lowest of all policies."""
    found: dict[str, int] = {}
    for policy in policies:
        for counted, most in _rates(policy, agent_id, tool_name, gateway_id).items():
            found[counted] = min(most, found.get(counted, most))
    return found


def _read(active: Active) -> Policy:
    """Read a body once; its hash, which was verified, stands for it."""
    if (kept := _read_before.get(active.body_hash)) is not None:
        return kept
    policy = cast(Policy, families.read(Family.POLICY, dict(active.body)))
    if len(_read_before) >= _MOST_KEPT:
        _read_before.clear()
    _read_before[active.body_hash] = policy
    return policy


def _decide(
    policy: Policy,
    scope: str,
    agent_id: str,
    tool_name: str,
    environment: str,
    arguments: Mapping[str, Any],
) -> Decision:
    for rule in policy.approval.rules:
        if _matches(rule, scope, agent_id, tool_name, environment, arguments):
            return Decision(rule.decision, rule.name)
    asks = scope in policy.approval.required_scopes
    return Decision("needs_approval" if asks else "no_approval")


def _matches(
    rule: Rule,
    scope: str,
    agent_id: str,
    tool_name: str,
    environment: str,
    arguments: Mapping[str, Any],
) -> bool:
    return (
        (not rule.scopes or scope in rule.scopes)
        and (not rule.agents or agent_id in rule.agents)
        and (not rule.environments or environment in rule.environments)
        and (not rule.tools or any(_fits(glob, tool_name) for glob in rule.tools))
        and rules.hold((each.model_dump() for each in rule.arguments), arguments)
    )


def _fits(glob: str, name: str) -> bool:
    before, star, after = glob.partition("*")
    if not star:
        return name == glob
    return (
        len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)
    )


def _rates(policy: Policy, agent_id: str, tool_name: str, gateway_id: str) -> dict[str, int]:
    limits = policy.rate_limits
    found = {
        f"agent:{agent_id}": limits.per_agent_per_minute,
        f"tool:{gateway_id}/{tool_name}": limits.per_tool_per_minute,
    }
    for over in limits.overrides:
        named = {
            "agent": (over.agent_id, agent_id),
            "tool": (over.tool_name, tool_name),
            "gateway": (over.mcp_gateway_id, gateway_id),
        }
        if any(want is not None and want != have for want, have in named.values()):
            continue
        parts = [part for part, (want, _) in named.items() if want is not None]
        match parts:
            case ["agent"]:
                found[f"agent:{agent_id}"] = over.per_minute
            case ["tool"] | ["tool", "gateway"]:
                found[f"tool:{gateway_id}/{tool_name}"] = over.per_minute
            case _:
                counted = "/".join(str(named[part][1]) for part in parts)
                found[f"{'+'.join(parts) or 'project'}:{counted}"] = over.per_minute
    return found
