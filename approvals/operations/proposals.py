"""Proposing an action: read, looked up, judged by the gates, put before people where they must."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from approvals import requests
from approvals.models import Risk
from approvals.operations import actions, incidents, oplog, places, playbooks, resources, words
from approvals.operations import verification as verifications
from approvals.operations.actions import Action
from approvals.operations.models import Kind, Operation, Outcome
from approvals.operations.resources import Resolution
from approvals.operations.verification import Wanted
from awooop.errors import Code, Exhausted, Refused
from awooop.kit import ids, redaction
from awooop.kit.db import in_tx, tenant_tx
from gateway import facts, gates
from gateway.catalog import Entry
from gateway.facts import Facts
from gateway.gates import Spent
from gateway.shapes import Call
from runs import parking

_LONGEST_ACTION = 2_000


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of a proposal.

    :param approval_id: of the request that waits for people; None where none is needed.
    :param run_id: that will do it; None where nothing is to be done.
    """

    operation_id: UUID
    approval_id: UUID | None
    run_id: UUID | None
    outcome: Outcome
    resolution: Resolution


def propose(
    project_id: str,
    *,
    agent_id: str,
    action: str,
    description: str,
    risk: str | None,
    requested_by: str,
    at: datetime,
    blast_radius: Mapping[str, Any] | None = None,
    incident_id: UUID | None = None,
    playbook_id: UUID | None = None,
    auto_approved: bool = False,
    verification: Wanted | None = None,
    environment: str = "",
    gateway_id: str | None = None,
    rollback_of: UUID | None = None,
) -> Proposed:
    """Propose an operator's action for an agent whose contract grants the tool.

    Opens its own transactions and holds none while it looks at the cluster. The same action that
    waits already is joined.

    :param risk: the least it counts as; a policy may count it higher.
    :param requested_by: who proposes; never the only one to approve.
    :param auto_approved: do not ask people where the policy does not want them asked. What the
        policy wants asked is asked.
    :param verification: what shall be seen afterwards; the tool's usual where it has one.
    :raises Invalid: the action or the verification cannot be read, or holds secrets.
    :raises Refused: the agent may not do it; in shadow mode nobody may.
    :raises NotFound: there is no such incident.
    :raises Exhausted: too many requests of the agent wait.
    """
    parsed = actions.parse(action)
    asked = Operation(
        project_id=project_id,
        incident_id=incident_id,
        playbook_id=playbook_id,
        rollback_of=rollback_of,
        agent_id=agent_id,
        action=redaction.excerpt(parsed.text, _LONGEST_ACTION),
        description=redaction.excerpt(description, 2_000),
        environment=environment,
        risk=risk or "",
        requested_by=requested_by[:150],
        created_at=at,
    )
    if parsed.kind is Kind.OBSERVE:
        return _watch(asked, verification, gateway_id, at)
    entry = places.of(project_id, agent_id, parsed, gateway_id=gateway_id)
    parsed, resolution = resources.resolve(
        project_id, agent_id, entry.gateway_id, parsed, actor=requested_by
    )
    asked.verification = _verification(asked, entry, parsed, verification)
    call = Call(
        project_id=project_id,
        home_id=project_id,
        agent_id=agent_id,
        tool=entry.name,
        arguments=parsed.arguments,
        actor=requested_by,
        environment=environment,
        trace_id=ids.trace_id(),
    )
    known = facts.gather(call)
    _require_fit(call, known)
    _describe(asked, known, resolution)
    needs_people = gates.approval(call, known, Spent()) is not None
    assert known.verdict is not None
    with tenant_tx(project_id):
        _tie(asked)
        if needs_people or not (auto_approved or known.verdict.only_reads):
            return _ask(asked, call, known, blast_radius or {}, resolution, at)
        return _queue(asked, call, resolution)


def _watch(
    asked: Operation, wanted: Wanted | None, gateway_id: str | None, at: datetime
) -> Proposed:
    if wanted is not None:
        who = (asked.project_id, asked.agent_id, gateway_id or "")
        asked.verification = verifications.planned(*who, wanted, environment=asked.environment)
    with tenant_tx(asked.project_id):
        _tie(asked)
        oplog.watch(asked, at=at)
    return Proposed(asked.operation_id, None, None, Outcome.EXECUTED, Resolution("none"))


def _verification(
    asked: Operation, entry: Entry, parsed: Action, wanted: Wanted | None
) -> dict[str, Any] | None:
    who = (asked.project_id, asked.agent_id, entry.gateway_id)
    if wanted is None:
        return verifications.usual(*who, parsed, environment=asked.environment)
    return verifications.planned(*who, wanted, environment=asked.environment)


def _require_fit(call: Call, known: Facts) -> None:
    """Ask the first four gates, so that nobody decides about what would be refused anyway."""
    blocked = gates.entrance(call, known) or gates.scope(call, known, Spent())
    if blocked is not None:
        raise Refused(blocked.code, blocked.reason)
    if dict(known.leaving) != dict(call.arguments):
        raise words.unread("it holds what looks like a secret, which would not be sent")


def _describe(asked: Operation, known: Facts, resolution: Resolution) -> None:
    assert known.entry is not None
    asked.gateway_id, asked.tool_name = known.entry.gateway_id, known.entry.name
    asked.arguments = dict(known.leaving)
    asked.resolution = None if resolution.result == "none" else resolution.kept()


@in_tx
def _tie(asked: Operation) -> None:
    """Say that something is done about the incident, and by which playbook."""
    if asked.incident_id is None:
        return
    incident = incidents.require(asked.project_id, asked.incident_id)
    incidents.investigate(asked.project_id, asked.incident_id)
    if asked.playbook_id is None and asked.tool_name:
        known = playbooks.same(
            asked.project_id, incident.category, asked.tool_name, asked.arguments
        )
        asked.playbook_id = known.playbook_id if known else None


@in_tx
def _ask(
    asked: Operation,
    call: Call,
    known: Facts,
    blast_radius: Mapping[str, Any],
    resolution: Resolution,
    at: datetime,
) -> Proposed:
    seen = {"resource": asked.resolution} if asked.resolution else {}
    told = requests.Told(
        title=asked.action,
        description=asked.description,
        risk=Risk(asked.risk) if asked.risk else None,
        blast_radius=redaction.redact({**blast_radius, **seen}),
        incident_id=asked.incident_id,
        playbook_id=asked.playbook_id,
    )
    made = requests.open_for(call, known, at, told)
    if made is None:
        raise Exhausted(Code.TOO_FAST, "too many requests of this agent wait for a decision")
    log = Operation.objects.filter(project_id=asked.project_id, approval_id=made.approval_id)
    joined = log.first()
    if joined is None:
        asked.approval_id, asked.run_id = made.approval_id, made.run_id
        asked.save(force_insert=True)
        joined = asked
    return Proposed(joined.operation_id, made.approval_id, made.run_id, Outcome.NOT_YET, resolution)


@in_tx
def _queue(asked: Operation, call: Call, resolution: Resolution) -> Proposed:
    """Let a worker do what nobody needs to decide; the gates judge it anew then."""
    asked.is_auto_approved = True
    asked.due_at = asked.created_at + timedelta(seconds=oplog.WATCH_SECONDS)
    asked.run_id = parking.queue(
        call.project_id,
        call.agent_id,
        trace_id=call.trace_id,
        trigger_ref=f"operation:{asked.operation_id}",
    )
    asked.save(force_insert=True)
    return Proposed(asked.operation_id, None, asked.run_id, Outcome.NOT_YET, resolution)
