"""A human's yes or no: one verb for the API, the console and the channels."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import structlog
from django.db import DatabaseError
from django.db.models import Q

from approvals import tokens
from approvals.models import Approval, Disposition, Joiner, Standing, Vote
from awooop.audit import sink
from awooop.audit.acts import Act, Outcome
from awooop.errors import Code, Conflict, NotFound, Refused
from awooop.kit import redaction
from awooop.kit.db import in_tx, savepoint
from awooop.tenants import members
from awooop.tenants.models import Role
from runs import moves, parking
from runs.fsm import State
from runs.models import Run

log = structlog.get_logger(__name__)

APPROVE_STEP, REJECT_STEP = "operator_console.approve", "operator_console.reject"
_LONGEST_REASON = 500
_LONGEST_SUMMARY = 128


class Decision(StrEnum):
    """What a human says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a vote has led to.

    :param new_state: of the run.
    :param ticket_id: of the ticket the yes is worth; None while more people must say it.
    :param votes: how many valid yes votes there are, of ``needed``.
    """

    approval_id: UUID
    run_id: UUID
    decision: Decision
    new_state: State
    ticket_id: str | None
    votes: int
    needed: int


@in_tx
def decide(
    project_id: str,
    identity: UUID,
    decision: Decision,
    *,
    approver: str,
    reason: str,
    at: datetime,
) -> Decided:
    """Count one person's vote; the last that is needed lets the run go on, a single no ends it.

    :param identity: of the request, or of the run that waits with it.
    :param approver: ``operator:NAME`` of whoever is signed in; never a field of a form.
    :raises NotFound: no such request in this project.
    :raises Conflict: it waits for nobody, or this person has voted.
    :raises Refused: this person may not decide, or asked for it themselves.
    """
    found = held(project_id, identity)
    require_waiting(found, at)
    _require_fit(found, approver)
    said = redaction.excerpt(reason, _LONGEST_REASON)
    if Vote.objects.filter(approval_id=found.approval_id, voter=approver).exists():
        raise Conflict(Code.APPROVAL_VOTED)
    Vote.objects.create(
        project_id=project_id,
        approval_id=found.approval_id,
        voter=approver,
        is_yes=decision is Decision.APPROVE,
        comment=said,
        voted_at=at,
    )
    if decision is Decision.REJECT:
        return _reject(found, approver, said, at)
    votes = len(_yes(found))
    if votes < found.required_signatures:
        _record(Act.APPROVAL_VOTED, found, approver, votes=votes, reason=said)
        return _told(found, decision, State.WAITING_APPROVAL, votes)
    return _approve(found, approver, said, votes, at)


def yes_votes(approval: Approval) -> list[str]:
    """Return who has said yes and still may: what counts towards the quorum now."""
    return sorted(_yes(approval))


def held(project_id: str, identity: UUID) -> Approval:
    """Return a request, its row and its run's locked; the newest one of a run.

    The run's row comes first, as with whoever ends the run: its end then withdraws the request.
    Rows that only point at the two are not in the way.

    :raises NotFound: no such request or run in this project.
    :raises Conflict: the run never asked.
    """
    asked = Approval.objects.filter(
        Q(approval_id=identity) | Q(run_id=identity), project_id=project_id
    ).order_by("-approval_id")
    run_id = asked.values_list("run_id", flat=True).first()
    runs = Run.objects.select_for_update(no_key=True).filter(project_id=project_id)
    run = runs.filter(run_id=run_id or identity).first()
    if run is None:
        raise NotFound(Code.APPROVAL_UNKNOWN)
    if (found := asked.select_for_update(no_key=True).first()) is None:
        raise Conflict(Code.APPROVAL_DECIDED, f"the run is {run.state}", state=run.state)
    return found


def require_waiting(found: Approval, at: datetime) -> Run:
    """Return the run of a request that waits for a decision, its row locked.

    :raises Conflict: it waits for nobody; facts name the run's present state.
    """
    run = Run.objects.select_for_update(no_key=True).get(
        project_id=found.project_id, run_id=found.run_id
    )
    if found.standing != Standing.PENDING or run.state != State.WAITING_APPROVAL:
        standing = Standing(found.standing).value
        raise Conflict(
            Code.APPROVAL_DECIDED,
            f"the request is {standing}; the run is {run.state}",
            state=run.state,
            standing=standing,
        )
    if found.expires_at <= at:
        raise Conflict(Code.APPROVAL_DECIDED, "the request has expired", state=run.state)
    return run


def require_approver(project_id: str, actor: str) -> None:
    """Let only a person who is an approver of the project at this moment go on.

    :raises Refused: somebody else, or a machine.
    """
    name = actor.removeprefix("operator:")
    if name == actor or not members.holding(project_id, {name}, Role.APPROVER):
        raise Refused(Code.AUTH_FORBIDDEN, "this needs the role approver", role="approver")


def _require_fit(found: Approval, approver: str) -> None:
    require_approver(found.project_id, approver)
    if not found.requester_may_approve and approver in {found.requested_by, *_joiners(found)}:
        raise Refused(Code.APPROVAL_OWN)


def _yes(found: Approval) -> set[str]:
    """Return who said yes and is an approver at this moment: dismissed people do not count.

    Nor do those who asked for it themselves since.
    """
    names = Vote.objects.filter(approval_id=found.approval_id, is_yes=True)
    voters = {vote.voter for vote in names}
    if not found.requester_may_approve:
        voters -= _joiners(found)
    people = {voter.removeprefix("operator:") for voter in voters}
    return members.holding(found.project_id, people, Role.APPROVER)


def _joiners(found: Approval) -> set[str]:
    mine = Joiner.objects.filter(project_id=found.project_id, approval_id=found.approval_id)
    return set(mine.values_list("joiner", flat=True))


def _approve(found: Approval, approver: str, reason: str, votes: int, at: datetime) -> Decided:
    found.standing = Standing.APPROVED
    found.ticket_id = tokens.new_id()
    _close(found, approver, reason, at)
    moves.move(found.run_id, State.RUNNING, actor=approver, reason=f"approved: {reason}"[:500])
    journal(found, APPROVE_STEP, f"approved by {approver}: {reason}")
    _record(Act.APPROVAL_APPROVED, found, approver, votes=votes, reason=reason)
    return _told(found, Decision.APPROVE, State.RUNNING, votes)


def _reject(found: Approval, approver: str, reason: str, at: datetime) -> Decided:
    found.standing = Standing.REJECTED
    found.disposition = Disposition.DENIED
    found.ended_at = at
    _close(found, approver, reason, at)
    moves.move(
        found.run_id,
        State.CANCELLED,
        actor=approver,
        reason=f"rejected: {reason}"[:500],
        error_code=Code.APPROVAL_REJECTED,
        error_detail=reason or "no reason was given",
    )
    journal(found, REJECT_STEP, f"rejected by {approver}: {reason}", is_blocked=True)
    _record(Act.APPROVAL_REJECTED, found, approver, outcome=Outcome.REFUSED, reason=reason)
    return _told(found, Decision.REJECT, State.CANCELLED, 0)


def _close(found: Approval, approver: str, reason: str, at: datetime) -> None:
    found.decided_by, found.decided_at, found.reason = approver[:150], at, reason
    names = ("standing", "disposition", "ticket_id", "decided_by", "decided_at", "reason")
    found.save(update_fields=[*names, "ended_at"])


def journal(found: Approval, step: str, summary: str, *, is_blocked: bool = False) -> None:
    """Leave a step in the run's journal; failing to never undoes the decision."""
    try:
        with savepoint():
            parking.note(
                found.project_id,
                found.run_id,
                name=step,
                summary=redaction.excerpt(summary, _LONGEST_SUMMARY),
                is_blocked=is_blocked,
                code=Code.APPROVAL_REJECTED if is_blocked else None,
            )
    except DatabaseError as reason:
        log.error("decision_step_lost", run_id=str(found.run_id), reason=type(reason).__name__)


def _record(
    act: Act, found: Approval, actor: str, *, outcome: Outcome = Outcome.SUCCESS, **facts: object
) -> None:
    sink.record(
        found.project_id,
        act,
        actor=actor,
        target=("approval", str(found.approval_id)),
        outcome=outcome,
        run_id=found.run_id,
        facts={"action_sha256": found.action_sha256, "ticket_id": found.ticket_id, **facts},
    )


def _told(found: Approval, decision: Decision, state: State, votes: int) -> Decided:
    return Decided(
        found.approval_id,
        found.run_id,
        decision,
        state,
        found.ticket_id,
        votes,
        found.required_signatures,
    )
