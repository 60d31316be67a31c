"""Asking for a yes: one request an action, the run put aside with it in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from approvals.models import Approval, Joiner, Risk, Standing
from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code
from awooop.kit import redaction
from awooop.kit.db import in_tx, tenant_tx
from contracts.bodies.policy import Policy
from gateway import gates
from gateway.facts import Facts
from gateway.shapes import Asked, Call
from runs import parking

MOST_PENDING = 50  # requests of one agent that may wait at once: more, and nobody reads them
_LONGEST_TITLE = 200
# One at a time for an agent, so that the same action asked for at once is one request.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('awooop.asking'), hashtext(%s))"


@dataclass(frozen=True, slots=True)
class Demand:
    """What the project's policies ask for: the strictest of them."""

    risk: Risk
    signatures: int
    expires: timedelta
    requester_may_approve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What whoever proposes an action says of it.

    :param risk: the least it counts as; the policies may count it higher.
    """

    title: str
    description: str
    risk: Risk | None
    blast_radius: Mapping[str, Any]
    incident_id: UUID | None
    playbook_id: UUID | None


@in_tx
def open_for(call: Call, facts: Facts, at: datetime, proposal: Told | None = None) -> Asked | None:
    """Make the request for a call, or join the one that waits for the same action.

    A run that is held waits from now on; a call without one gets a run that waits. Whoever joins
    decides on the request as little as whoever asked first.

    :returns: None when too many of the agent's requests wait already.
    :raises Conflict: the run's lease was lost.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_LOCK, [f"{call.project_id} {call.agent_id}"])
    present = _present(call, facts)
    if present is not None:
        _join(present, call, at)
        return _asked(present)
    waiting = Approval.objects.filter(
        project_id=call.project_id, agent_id=call.agent_id, standing=Standing.PENDING
    )
    if waiting[:MOST_PENDING].count() >= MOST_PENDING:
        return None
    made = _make(call, facts, at, proposal)
    sink.record(
        call.project_id,
        Act.APPROVAL_ASKED,
        actor=call.actor,
        target=("approval", str(made.approval_id)),
        run_id=made.run_id,
        facts={
            "agent_id": made.agent_id,
            "tool": made.tool_name,
            "action_sha256": made.action_sha256,
            "risk": made.risk,
            "signatures": made.required_signatures,
        },
    )
    return _asked(made)


def demand(policies: tuple[Policy, ...], risk: Risk) -> Demand:
    """Return what an action of this risk needs; the strictest policy of several."""
    return Demand(
        risk=risk,
        signatures=max(getattr(policy.quorum, risk.value) for policy in policies),
        expires=timedelta(seconds=min(policy.approval.expires_seconds for policy in policies)),
        requester_may_approve=all(policy.approval.requester_may_approve for policy in policies),
    )


def risk_of(call: Call, facts: Facts) -> Risk:
    """Return how risky the policies count a call; the highest of several."""
    assert facts.verdict is not None
    scope, named = facts.verdict.scope, gates.decision(call, facts).rule
    risks = [Risk(getattr(policy.approval.risk_by_scope, scope)) for policy in facts.policies]
    for policy in facts.policies:
        risks += [
            Risk(rule.risk) for rule in policy.approval.rules if rule.name == named and rule.risk
        ]
    return max(risks, key=lambda risk: risk.rank)


def look(project_id: str, agent_id: str, approval_id: UUID) -> Mapping[str, Any] | None:
    """Return how far a request of an agent has come; it changes nothing. Opens its own transaction.

    Of one that a person has edited, how far the last edit has come. None for another's request,
    exactly as for one that does not exist.
    """
    with tenant_tx(project_id):
        asked = found = Approval.objects.filter(
            project_id=project_id, agent_id=agent_id, approval_id=approval_id
        ).first()
        while found is not None and found.standing == Standing.WITHDRAWN:
            after = Approval.objects.filter(project_id=project_id, edited_from=found.approval_id)
            if (edit := after.first()) is None:
                break
            found = edit
    if asked is None or found is None:
        return None
    return {
        "approval_id": str(asked.approval_id),
        "edited_as": None if found is asked else str(found.approval_id),
        "run_id": str(found.run_id),
        "standing": found.standing,
        "disposition": found.disposition or None,
        "reason": found.reason,
        "tool": found.tool_name,
        "arguments": found.arguments,
        "expires_at": found.expires_at.isoformat(),
        "link": link(found),
        "result": found.result,
    }


def columns(
    call: Call,
    facts: Facts,
    at: datetime,
    *,
    least: Risk = Risk.LOW,
    proposal: Told | None = None,
) -> dict[str, Any]:
    """Return what is kept of a call that waits for a human, but for its run.

    :param least: the risk it is counted as at least.
    """
    assert facts.entry is not None
    assert facts.verdict is not None
    told = proposal or Told(
        title=f"{call.agent_id}: {facts.entry.name}",
        description=str((facts.entry.definition or {}).get("description", "")),
        risk=None,
        blast_radius={},
        incident_id=None,
        playbook_id=None,
    )
    risk = max(risk_of(call, facts), told.risk or least, least, key=lambda each: each.rank)
    asked = demand(facts.policies, risk)
    return {
        "project_id": call.project_id,
        "agent_id": call.agent_id,
        "gateway_id": facts.entry.gateway_id,
        "tool_name": facts.entry.name,
        "environment": facts.environment or "",
        "arguments": dict(facts.leaving),
        "action_sha256": facts.action,
        "call_key": call.key or f"call:{call.call_id}",
        "title": redaction.excerpt(told.title, _LONGEST_TITLE),
        "description": told.description[:2_000],
        "risk": asked.risk,
        "required_signatures": asked.signatures,
        "requester_may_approve": asked.requester_may_approve,
        "requested_by": call.actor[:150],
        "blast_radius": {
            **told.blast_radius,
            "scope": facts.verdict.scope,
            "why": facts.verdict.why or "",
        },
        "incident_id": told.incident_id,
        "playbook_id": told.playbook_id,
        "created_at": at,
        "expires_at": at + asked.expires,
    }


def link(approval: Approval) -> str:
    """Return the address of a request's page in the console."""
    return f"/admin/approvals/{approval.project_id}/{approval.approval_id}/"


def _asked(approval: Approval) -> Asked:
    return Asked(approval.approval_id, approval.run_id, approval.expires_at, link(approval))


def _present(call: Call, facts: Facts) -> Approval | None:
    """Return the request that waits for the same action, its row locked against a decision."""
    same = Approval.objects.select_for_update(no_key=True).filter(
        project_id=call.project_id, action_sha256=facts.action, standing=Standing.PENDING
    )
    if call.run_id is not None:
        same = same.filter(run_id=call.run_id)
    return same.order_by("approval_id").first()


def _join(present: Approval, call: Call, at: datetime) -> None:
    whose = {"project_id": present.project_id, "approval_id": present.approval_id}
    joiner = call.actor[:150]
    if joiner == present.requested_by or Joiner.objects.filter(**whose, joiner=joiner).exists():
        return
    Joiner.objects.create(**whose, joiner=joiner, joined_at=at)
    sink.record(
        present.project_id,
        Act.APPROVAL_JOINED,
        actor=call.actor,
        target=("approval", str(present.approval_id)),
        run_id=present.run_id,
        facts={"action_sha256": present.action_sha256, "asked_first": present.requested_by},
    )


def _make(call: Call, facts: Facts, at: datetime, proposal: Told | None) -> Approval:
    kept = columns(call, facts, at, proposal=proposal)
    return Approval.objects.create(run_id=_put_aside(call, kept["title"]), **kept)


def _put_aside(call: Call, title: str) -> UUID:
    if call.run_id is None:
        return parking.bear(
            call.project_id,
            call.agent_id,
            trace_id=call.trace_id,
            trigger_ref=f"call:{call.call_id}",
            actor=call.actor,
            reason=f"waits for a human: {title}",
        )
    parking.park(
        call.project_id,
        call.run_id,
        epoch=call.epoch or 0,
        reason=f"waits for a human: {title}",
        code=Code.GATE_APPROVAL,
        actor=call.actor,
    )
    return call.run_id
