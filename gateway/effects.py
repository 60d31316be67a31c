"""What a call may change in the world, claimed once before it is sent; then known, or unknown.

A claim is refused while the same action is in flight or its outcome unknown: nothing is repeated
blindly. Unknown ends by an answer that came late, a probe that the contract names, or an operator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import DEFAULT_DB_ALIAS, connections

from awooop.audit import acts, sink
from awooop.audit.acts import Act
from awooop.errors import Code, Invalid, NotFound
from awooop.kit import redaction
from awooop.kit.db import Pipe, in_tx, pipe, tenant_tx
from awooop.ledger import budget
from awooop.ledger.budget import Ask
from awooop.ledger.models import Kind
from gateway import journal
from gateway.models import Effect, Outcome

log = structlog.get_logger(__name__)

EDGES: dict[Outcome, frozenset[Outcome]] = {
    Outcome.CLAIMED: frozenset({Outcome.EXECUTED, Outcome.ERROR, Outcome.UNKNOWN}),
    Outcome.UNKNOWN: frozenset({Outcome.EXECUTED, Outcome.ERROR}),
    Outcome.EXECUTED: frozenset(),
    Outcome.ERROR: frozenset(),
}
GRACE_SECONDS = 10  # beyond a call's own deadline, for a slow commit
_REAPED_AT_ONCE = 200
_LONGEST_NOTE = 500

# The switches are asked again in the claim's own snapshot. The run's fence is a trigger: see the
# migrations of runs.
_CLAIM = """
INSERT INTO awooop_tool_effect
       (project_id, effect_id, agent_id, actor, run_id, lease_epoch, trace_id, gateway_id,
        tool_name, environment, arguments, args_sha256, action_sha256, key, ticket_id,
        reservation_id, probe, outcome, note, claimed_at, expires_at)
SELECT %(project_id)s, %(effect_id)s, %(agent_id)s, %(actor)s, %(run_id)s, %(lease_epoch)s,
       %(trace_id)s, %(gateway_id)s, %(tool_name)s, %(environment)s, %(arguments)s,
       %(args_sha256)s, %(action_sha256)s, %(key)s, %(ticket_id)s, %(reservation_id)s,
       %(probe)s::jsonb, 'claimed', '', clock_timestamp(),
       clock_timestamp() + make_interval(secs => %(seconds)s)
 WHERE NOT EXISTS (SELECT FROM awooop_platform_switch WHERE lifted_at IS NULL)
   AND NOT EXISTS (
         SELECT FROM awooop_kill_switch s
          WHERE s.project_id = %(project_id)s AND s.lifted_at IS NULL
            AND (s.level = 'project' OR (s.level = 'agent' AND s.key = %(agent_id)s)
                 OR (s.level = 'tool' AND s.key = %(tool_name)s)))
    ON CONFLICT DO NOTHING
RETURNING effect_id
"""
_IN_THE_WAY = """
SELECT e.effect_id, e.outcome FROM awooop_tool_effect e
 WHERE e.project_id = %(project_id)s
   AND (e.key = %(key)s OR e.ticket_id = %(ticket_id)s
        OR (e.action_sha256 = %(action_sha256)s AND e.outcome IN ('claimed', 'unknown')))
 ORDER BY e.outcome IN ('claimed', 'unknown') DESC LIMIT 1
"""
_END = """
UPDATE awooop_tool_effect
   SET outcome = %(outcome)s, error_code = %(error_code)s, note = %(note)s,
       resolved_by = %(actor)s, is_unsent = %(is_unsent)s
 WHERE project_id = %(project_id)s AND effect_id = %(effect_id)s
   AND outcome IN ('claimed', 'unknown') AND outcome <> %(outcome)s
"""
_LOST = f"""
SELECT project_id, effect_id FROM awooop_tool_effect
 WHERE outcome = 'claimed' AND expires_at <= clock_timestamp()
 ORDER BY expires_at LIMIT {_REAPED_AT_ONCE}
"""
_LOSE = """
UPDATE awooop_tool_effect
   SET outcome = 'unknown', error_code = %(code)s, note = %(note)s, resolved_by = 'reaper'
 WHERE project_id = %(project_id)s AND effect_id = ANY (%(ids)s)
   AND outcome = 'claimed' AND expires_at <= clock_timestamp()
RETURNING project_id, effect_id, agent_id, actor, run_id, trace_id, gateway_id, tool_name,
          environment, arguments, args_sha256,
          (extract(epoch FROM clock_timestamp() - claimed_at) * 1000)::int AS age_ms
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An effect of ours, in flight.

    :param reservation_id: of the money set aside for it, or None.
    """

    effect_id: UUID
    reservation_id: UUID | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an effect was not claimed; nothing was sent."""

    code: Code
    reason: str


def claim(params: Mapping[str, Any], *, ask: Ask | None) -> Claim | Refusal:
    """Claim an effect, burn its ticket and set its money aside; all of it or nothing.

    Opens its own transaction, with the evidence in it.

    :param params: the effect's columns, and ``seconds`` until it counts as lost.
    """
    project_id = params["project_id"]
    with tenant_tx(project_id):
        reserved = budget.reserve(ask) if ask is not None else None
        if ask is not None and (reserved is None or reserved.kind is Kind.REFUSED):
            return unpaid(reserved)
        reservation_id = reserved.reservation_id if reserved else None
        row = _one(_CLAIM, {**params, "reservation_id": reservation_id})
        if row is None:
            if reservation_id is not None:
                budget.release(reservation_id, project_id=project_id, actor=params["actor"])
            return _in_the_way(params)
        sink.record(
            project_id,
            Act.CALL_SENT,
            actor=params["actor"],
            target=("tool", params["tool_name"]),
            run_id=params["run_id"],
            facts={
                "call_id": params["effect_id"],
                "agent_id": params["agent_id"],
                "action_sha256": params["action_sha256"],
                "ticket_id": params["ticket_id"],
            },
        )
    return Claim(params["effect_id"], reservation_id)


def send_end(
    p: Pipe,
    params: Mapping[str, Any],
    outcome: Outcome,
    *,
    code: Code | None,
    note: str,
    is_unsent: bool = False,
) -> None:
    """Queue what became of an effect, and the evidence of it, in the pipe's open transaction.

    Late is not too late: an effect that was given up as unknown learns its outcome.

    :param is_unsent: the call never left; only of an error.
    """
    p.send(
        _END,
        {
            "project_id": params["project_id"],
            "effect_id": params["effect_id"],
            "outcome": outcome.value,
            "error_code": code.value if code else None,
            "note": redaction.excerpt(note, _LONGEST_NOTE),
            "actor": params["actor"],
            "is_unsent": is_unsent,
        },
    )
    sink.send(p, _ended(params, outcome, code, actor=params["actor"]))


@in_tx
def never_left(project_id: str, key: str) -> bool:
    """Tell whether nothing was sent under a caller's key: no effect, or one that never left."""
    effects = Effect.objects.filter(project_id=project_id, key=key)
    return not effects.exclude(outcome=Outcome.ERROR, is_unsent=True).exists()


@in_tx
def outcome_of(project_id: str, keys: Sequence[str]) -> Outcome | None:
    """Return how the effect ended that was sent under one of several keys; None when none was."""
    found = (
        Effect.objects.filter(project_id=project_id, key__in=keys)
        .exclude(outcome=Outcome.ERROR, is_unsent=True)
        .values_list("outcome", flat=True)
        .first()
    )
    return Outcome(found) if found else None


@in_tx
def was_claimed(project_id: str, key: str) -> bool:
    """Tell whether a caller's key names an effect."""
    return Effect.objects.filter(project_id=project_id, key=key).exists()


def reap() -> int:
    """Give up on effects whose process was lost; return how many became unknown."""
    with pipe() as p, p.worker_tx():
        found = p.send(_LOST)
    lost: dict[str, list[UUID]] = {}
    for project_id, effect_id in found.fetchall():
        lost.setdefault(project_id, []).append(effect_id)
    return sum(_lose(project_id, ids) for project_id, ids in lost.items())


@in_tx
def resolve(
    project_id: str, effect_id: UUID, outcome: Outcome, *, note: str, actor: str, at: datetime
) -> None:
    """Say what became of an effect whose outcome is unknown.

    :param outcome: executed, or error when it did not happen.
    :raises NotFound: no such effect is unknown here.
    :raises Invalid: another outcome, or no note.
    """
    if outcome not in (Outcome.EXECUTED, Outcome.ERROR) or not note.strip():
        raise Invalid(Code.BODY_INVALID, "say whether it was executed, and how you know")
    told = redaction.excerpt(note, _LONGEST_NOTE)
    changed = Effect.objects.filter(
        project_id=project_id, effect_id=effect_id, outcome=Outcome.UNKNOWN
    ).update(outcome=outcome, note=told, resolved_by=actor[:150], resolved_at=at)
    if not changed:
        raise NotFound(Code.EFFECT_UNKNOWN)
    sink.record(
        project_id,
        Act.EFFECT_RESOLVED,
        actor=actor,
        target=("effect", str(effect_id)),
        facts={"outcome": outcome.value, "note": told},
    )


def unpaid(reserved: budget.Answer | None) -> Refusal:
    """Say why no money was set aside."""
    if reserved is None:
        return Refusal(Code.RUN_LEASE_LOST, "the run is no longer held")
    return Refusal(Code.BUDGET_UNFIT, f"{reserved.level} ({reserved.period})")


def _in_the_way(params: Mapping[str, Any]) -> Refusal:
    """Say why nothing was claimed: an effect that stands in the way, a switch, or the run."""
    row = _one(_IN_THE_WAY, params)
    if row is None:
        if params["run_id"] is not None:
            return Refusal(Code.RUN_LEASE_LOST, "the run is no longer held, or a switch is thrown")
        return Refusal(Code.KILLED, "a kill switch was thrown")
    effect_id, outcome = row
    if outcome in (Outcome.CLAIMED, Outcome.UNKNOWN):
        return Refusal(Code.EFFECT_OPEN, f"effect {effect_id} is {Outcome(outcome).label}")
    return Refusal(Code.EFFECT_DONE, f"effect {effect_id} is {Outcome(outcome).label}")


def _lose(project_id: str, effect_ids: list[UUID]) -> int:
    code, note = Code.EFFECT_OPEN, "whoever sent the call ended before it knew the outcome"
    with tenant_tx(project_id), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        params: dict[str, Any] = {"code": code.value, "note": note}
        cursor.execute(_LOSE, {**params, "project_id": project_id, "ids": effect_ids})
        names = [column.name for column in cursor.description]
        lost = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        journal.write(journal.lost(effect, code=code.value, reason=note) for effect in lost)
        for effect in lost:
            event = _ended(effect, Outcome.UNKNOWN, code, actor="reaper")
            cursor.execute(sink.WRITE, sink.params(event))
    if lost:
        log.error("effects_unknown", code=code.value, project_id=project_id, count=len(lost))
    return len(lost)


def _ended(effect: Mapping[str, Any], outcome: Outcome, code: Code | None, *, actor: str) -> Any:
    return sink.made(
        effect["project_id"],
        Act.EFFECT_ENDED,
        actor=actor,
        target=("effect", str(effect["effect_id"])),
        outcome=acts.Outcome.SUCCESS if outcome is Outcome.EXECUTED else acts.Outcome.ERROR,
        code=code,
        run_id=effect["run_id"],
        facts={"outcome": outcome.value, "tool": effect["tool_name"]},
    )


def cost(contract: Mapping[str, Any]) -> Decimal:
    """Return what one call of a tool costs, in USD."""
    return Decimal(contract.get("usd_per_call", "0"))


def _one(sql: str, params: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
