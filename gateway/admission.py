"""From a call to the leave to send it: judged, counted, its effect claimed, its money set aside."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from awooop.errors import Code
from awooop.kit.db import tenant_tx
from awooop.kit.tickets import Unfit
from awooop.ledger import budget
from awooop.ledger.budget import Ask
from awooop.ledger.models import Kind
from gateway import (
    effects,
    facts,
    gates,
    grants,
    policies,
    probes,
    rates,
    results,
    standings,
    switches,
)
from gateway.catalog import Entry
from gateway.effects import Claim, Refusal
from gateway.facts import Facts
from gateway.gates import Blocked, Spent
from gateway.providers.base import Permit
from gateway.shapes import Call

DEFAULT_SECONDS = 30
_SPARE_SECONDS = 0.1  # of a permit, that sending may take


@dataclass(slots=True)
class Admitted:
    """A call that every gate let through.

    :param arguments: what leaves: without secrets.
    :param seconds: the deadline of the whole call.
    :param ticket_id: of the ticket that is burned by the claim, or None.
    :param claim: of its effect, once there is one; None for what only reads.
    :param reservation_id: of the money set aside, or None.
    """

    call: Call
    facts: Facts
    entry: Entry
    arguments: Mapping[str, Any] = field(repr=False)
    seconds: int
    ticket_id: str | None = None
    claim: Claim | None = None
    reservation_id: UUID | None = None

    @property
    def effect(self) -> dict[str, Any]:
        """The effect's columns; its id is the call's."""
        call, entry = self.call, self.entry
        kept = results.kept(call.arguments, self.facts.policies, self.arguments)
        return {
            "project_id": call.project_id,
            "effect_id": call.call_id,
            "agent_id": call.agent_id,
            "actor": call.actor[:150],
            "run_id": call.run_id,
            "lease_epoch": call.epoch,
            "trace_id": call.trace_id,
            "gateway_id": entry.gateway_id,
            "tool_name": call.tool,
            "environment": self.facts.environment or "",
            "arguments": kept.text,
            "args_sha256": kept.sha256,
            "action_sha256": self.facts.action,
            "key": call.key,
            "ticket_id": self.ticket_id,
            "probe": json.dumps(probes.planned(entry.contract, call.arguments, self.arguments)),
            "seconds": self.seconds + effects.GRACE_SECONDS,
        }

    @property
    def has_effect(self) -> bool:
        verdict = self.facts.verdict
        return verdict is None or not verdict.only_reads or self.ticket_id is not None


@dataclass(frozen=True, slots=True)
class Simulated:
    """A call that shadow mode lets through, but does not send."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class Stopped:
    """A call that went no further, and what was known of it."""

    facts: Facts
    why: Blocked | Refusal


def judge(call: Call) -> Admitted | Simulated | Stopped:
    """Ask the five gates, in order.

    :raises Unavailable: what happens could not be recorded.
    """
    known = facts.gather(call)
    if (blocked := gates.entrance(call, known)) is not None:
        return Stopped(known, blocked)
    spent, ticket_id = _spend(call, known)
    if (blocked := gates.passage(call, known, spent)) is not None:
        return Stopped(known, blocked)
    if known.is_shadow and not policies.executes_reads(known.policies):
        return Simulated(known)
    return _admitted(call, known, ticket_id)


def judge_probe(call: Call) -> Admitted | Stopped:
    """Judge a probe, which nobody was granted: the project's standing, the tool, and that it reads.

    :raises Unavailable: what happens could not be recorded.
    """
    known = facts.gather(call)
    blocked = gates.tenant(call, known) or gates.agent(call, known)
    if blocked is None and (known.entry is None or known.verdict is None):
        blocked = Blocked(3, Code.GATE_TOOL, "the probe's tool is not in the contract")
    elif blocked is None:
        blocked = gates.tool(call, replace(known, scopes=("read",)))
    if blocked is None and not (known.verdict and known.verdict.only_reads):
        blocked = Blocked(4, Code.GATE_SCOPE, "a probe may only read")
    return Stopped(known, blocked) if blocked is not None else _admitted(call, known, None)


def _admitted(call: Call, known: Facts, ticket_id: str | None) -> Admitted:
    assert known.entry is not None
    return Admitted(
        call=call,
        facts=known,
        entry=known.entry,
        arguments=known.leaving,
        seconds=known.entry.gateway.body.get("timeout_seconds", DEFAULT_SECONDS),
        ticket_id=ticket_id,
    )


def permit(admitted: Admitted, *, again: bool) -> Permit | Stopped:
    """Give leave to start now, after asking the switches once more where time has passed.

    What has an effect is claimed here, once, and money is set aside.

    :raises Unavailable: what happens could not be recorded.
    """
    if admitted.claim is None and (taken := _take(admitted)) is not None:
        return Stopped(admitted.facts, taken) if isinstance(taken, Refusal) else taken
    leave = admitted.facts.standing.permit
    if not again and time.monotonic() < leave.until - _SPARE_SECONDS:
        return leave
    standing = standings.now(admitted.call.project_id)
    asked = Facts(standing=standing)
    if (blocked := gates.still(admitted.call, asked)) is not None:
        return Stopped(admitted.facts, blocked)
    return standing.permit


def _take(admitted: Admitted) -> Permit | Refusal | None:
    """Claim the effect and set the money aside; a claim has asked the switches itself."""
    price = effects.cost(admitted.entry.contract)
    ask = _ask(admitted, price) if price else None
    if admitted.has_effect:
        leave = Permit(time.monotonic() + switches.PERMIT_SECONDS)
        claimed = effects.claim(admitted.effect, ask=ask)
        if isinstance(claimed, Refusal):
            return claimed
        admitted.claim, admitted.reservation_id = claimed, claimed.reservation_id
        return leave
    if ask is not None and admitted.reservation_id is None:
        with tenant_tx(admitted.call.project_id):
            answer = budget.reserve(ask)
        if answer is None or answer.kind is Kind.REFUSED:
            return effects.unpaid(answer)
        admitted.reservation_id = answer.reservation_id
    return None


def _ask(admitted: Admitted, price: Any) -> Ask:
    call = admitted.call
    return Ask(
        project_id=call.project_id,
        agent_id=call.agent_id,
        usd=price,
        tokens=0,
        purpose=f"tool:{admitted.entry.tool_name}",
        actor=call.actor,
        run_id=call.run_id,
        epoch=call.epoch,
    )


def _spend(call: Call, known: Facts) -> tuple[Spent, str | None]:
    """Count the call, and read its ticket; neither is asked for before the third gate."""
    assert known.entry is not None
    limits = policies.rates(
        known.policies,
        agent_id=call.agent_id,
        tool_name=known.entry.tool_name,
        gateway_id=known.entry.gateway_id,
    )
    wait = rates.spend(call.project_id, limits, now=time.time())
    if call.ticket is None:
        return Spent(wait), None
    says = grants.bound(
        project_id=call.project_id,
        agent_id=call.agent_id,
        tool=call.tool,
        action=known.action,
        run_id=call.run_id,
        mode="live",
    )
    try:
        return Spent(wait, ""), grants.ticket_id(call.ticket, at=timezone.now(), says=says)
    except Unfit as reason:
        return Spent(wait, f"the approval does not fit: {reason}"), None
