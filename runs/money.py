"""The money of a run: set aside under its lease, settled, and the run ended when it was too much.

Settling is never refused for want of a lease: what was spent was spent. Only the run itself, its
cost and its ending, is changed under the fence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import psycopg
import structlog

from awooop.errors import Code, Conflict, Exhausted
from awooop.kit.db import Fate, pipe
from awooop.ledger import budget
from awooop.ledger.budget import Answer, Ask, Coming
from awooop.ledger.models import Kind, Level, Period
from runs import moves
from runs.leases import Lease

log = structlog.get_logger(__name__)

_RELEASED_AT_ONCE = 500

# Six places, rounded up, of what all attempts of the run have spent: no error adds up.
_CHARGE = f"""
UPDATE awooop_run_state r
   SET cost_usd = LEAST(ceil(a.spent_usd * 1000000) / 1000000, 99999999.999999)
  FROM awooop_budget_account a
 WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s AND {moves.FENCE}
   AND a.project_id = %(project_id)s AND a.level = 'run' AND a.period = 'total'
   AND a.starts_on = date '0001-01-01' AND a.key = %(run_id)s::text
"""

_KILL = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, 'failed' AS goes,
         '{Code.BUDGET_OVERSPENT.title}' AS reason,
         '{Code.BUDGET_OVERSPENT.value}'::text AS error_code,
         format('a call went over the budget of the %%s (%%s)',
                e.refused_level, e.refused_period) AS error_detail
    FROM awooop_budget_ledger e
    JOIN awooop_run_state r ON r.project_id = e.project_id AND r.run_id = e.run_id
   WHERE e.project_id = %(project_id)s AND e.reservation_id = %(reservation_id)s
     AND e.kind = 'settle' AND e.refused_level IS NOT NULL AND {moves.FENCE} FOR UPDATE OF r""",
    fence=f" AND {moves.FENCE}",
    returning="r.run_id",
    answer="SELECT run_id FROM moved",
)

# Whose call was never heard of again: overdue, or made for a run that its worker no longer holds.
_LOST = f"""
SELECT h.project_id, h.reservation_id
  FROM awooop_budget_hold h
  LEFT JOIN LATERAL (
    SELECT e.lease_epoch FROM awooop_budget_ledger e
     WHERE e.project_id = h.project_id AND e.reservation_id = h.reservation_id
       AND e.kind = 'reserve' LIMIT 1) e ON true
  LEFT JOIN LATERAL (
    SELECT q.* FROM awooop_run_state q
     WHERE q.project_id = h.project_id AND q.run_id = h.run_id LIMIT 1) r ON true
 WHERE h.expires_at <= clock_timestamp()
    OR r.completed_at IS NOT NULL OR r.state = 'pending' OR r.lease_epoch <> e.lease_epoch
    OR r.lease_expires_at <= clock_timestamp()
 ORDER BY h.project_id, h.reservation_id LIMIT {_RELEASED_AT_ONCE}
"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a run when a call of it was settled.

    :param level: with ``period``, the limit it went over, or None.
    """

    level: Level | None
    period: Period | None
    run_ended: bool


def reserve(lease: Lease, *, usd: Decimal, tokens: int, purpose: str) -> UUID:
    """Set money aside for a call of a held run; return the reservation's id.

    Opens and commits its own transaction; a refusal is committed too.

    :raises Exhausted: it does not fit.
    :raises Conflict: the lease was lost.
    :raises Invalid: no amount.
    """
    ask = Ask(
        project_id=lease.project_id,
        agent_id=lease.agent_id,
        usd=usd,
        tokens=tokens,
        purpose=purpose,
        actor=_actor(lease),
        run_id=lease.run_id,
        epoch=lease.epoch,
    )
    with pipe() as p, p.tenant_tx(lease.project_id):
        coming = budget.send_reserve(p, ask)
    answer = coming.answer()
    if answer is None:
        raise Conflict(Code.RUN_LEASE_LOST)
    if answer.kind is Kind.REFUSED:
        raise Exhausted(Code.BUDGET_UNFIT, level=answer.level, period=answer.period)
    return answer.reservation_id


def settle(lease: Lease, reservation_id: UUID, *, usd: Decimal, tokens: int) -> Settlement:
    """Count what a call did cost, and end its run when that was over a limit.

    Opens and commits its own transaction.

    :raises Conflict: there is no such reservation, or it was settled.
    :raises Invalid: no amount.
    """
    params = {
        "project_id": lease.project_id,
        "run_id": lease.run_id,
        "epoch": lease.epoch,
        "reservation_id": reservation_id,
        "actor": _actor(lease),
        "worker": None,
        "lease": 0,
    }
    with pipe() as p, p.tenant_tx(lease.project_id):
        coming = budget.send_settle(
            p,
            reservation_id,
            project_id=lease.project_id,
            usd=usd,
            tokens=tokens,
            actor=_actor(lease),
        )
        p.send(_CHARGE, params)
        killed = p.send(_KILL, params)
    answer = _open(coming.answer())
    return Settlement(answer.level, answer.period, killed.fetchone() is not None)


def release(lease: Lease, reservation_id: UUID) -> None:
    """Give back what was set aside for a call that was never made.

    Opens and commits its own transaction.

    :raises Conflict: nothing is set aside under this id.
    """
    with pipe() as p, p.tenant_tx(lease.project_id):
        coming = budget.send_release(
            p, reservation_id, project_id=lease.project_id, actor=_actor(lease)
        )
    _open(coming.answer())


def release_lost() -> int:
    """Release what was set aside for calls that nobody will settle; return how many there were.

    What is settled later after all counts nevertheless.
    """
    with pipe() as p, p.worker_tx():
        lost = p.send(_LOST)
    released = _release(lost.fetchall())
    if released:
        log.info("reservations_released", count=released)
    return released


def _release(lost: Sequence[tuple[str, UUID]]) -> int:
    """Release each in a transaction of its own, in one round trip; one that cannot be stays."""
    sent: list[tuple[Fate, Coming]] = []
    try:
        with pipe() as p:
            for project_id, reservation_id in lost:
                with p.tenant_tx(project_id) as fate:
                    coming = budget.send_release(
                        p, reservation_id, project_id=project_id, actor="reaper"
                    )
                sent.append((fate, coming))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as reason:
        done = sum(fate.committed for fate, _ in sent)
        log.error("release_failed", reservation_id=str(lost[done][1]), exc_info=reason)
        return done + _release(lost[done + 1 :])
    return sum(coming.answer() is not None for _, coming in sent)


def _actor(lease: Lease) -> str:
    return f"worker:{lease.worker}"


def _open(answer: Answer | None) -> Answer:
    if answer is None:
        raise Conflict(Code.RESERVATION_CLOSED)
    return answer
