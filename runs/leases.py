"""Who holds a run, and for how long: claim, heartbeat, finish, reap.

Leases are judged by the database's clock. Each claim raises ``lease_epoch``; whatever a worker
writes names its epoch and changes nothing once the lease has passed on, run out or the run ended.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings

from awooop.errors import Code
from awooop.kit import redaction
from awooop.kit.db import Fate, Pipe, pipe
from runs import moves
from runs.fsm import State

log = structlog.get_logger(__name__)

_REAP_AT_ONCE = 500

# One worker at a time fills a project, or two could pass its limit together. The locks are taken by
# a statement of their own: the next one's snapshot then sees what the lock's last holder committed.
# The lanes are found by jumping from project to project along the index, not by reading the queue.
_LOCK_LANES = """
WITH RECURSIVE lane AS (
  (SELECT project_id FROM awooop_run_state WHERE state = 'pending' ORDER BY project_id LIMIT 1)
  UNION ALL
  SELECT (SELECT n.project_id FROM awooop_run_state n
           WHERE n.state = 'pending' AND n.project_id > lane.project_id
           ORDER BY n.project_id LIMIT 1)
    FROM lane WHERE lane.project_id IS NOT NULL
), ready AS MATERIALIZED (
  SELECT p.project_id FROM lane JOIN awooop_projects p USING (project_id)
   WHERE p.is_active AND p.migration_mode <> 'legacy_awoooi_default'
)
SELECT set_config('awooop.lanes', COALESCE(string_agg(project_id, ','), ''), true)
  FROM ready WHERE pg_try_advisory_xact_lock(hashtext('awooop.claim'), hashtext(project_id))
"""

# Fair: a slot goes to the project with the fewest runs in hand, then to the oldest run.
_CLAIM = moves.statement(
    held="""
  WITH room AS MATERIALIZED (
    SELECT p.project_id, busy.n AS in_hand, p.max_concurrent_runs - busy.n AS free,
           count(*) OVER () AS lanes
      FROM awooop_projects p, LATERAL (
        SELECT count(*) AS n FROM awooop_run_state b
         WHERE b.state = 'running' AND b.project_id = p.project_id) busy
     WHERE p.project_id = ANY (string_to_array(current_setting('awooop.lanes', true), ','))
  ), offered AS MATERIALIZED (
    SELECT o.run_id, room.project_id,
           room.in_hand + row_number() OVER (PARTITION BY room.project_id ORDER BY o.run_id) AS turn
      FROM room, LATERAL (
        SELECT q.run_id FROM awooop_run_state q
         WHERE q.state = 'pending' AND q.project_id = room.project_id
           AND q.timeout_at > clock_timestamp()
         ORDER BY q.run_id
         LIMIT GREATEST(0, LEAST(room.free, %(batch)s, 1 + 2 * %(batch)s / room.lanes))
           FOR UPDATE SKIP LOCKED) o
  )
  SELECT run_id, project_id, 'running' AS goes, 'claimed' AS reason,
         NULL::text AS error_code, NULL::text AS error_detail
    FROM offered ORDER BY turn, run_id LIMIT %(batch)s""",
    returning="r.run_id, r.project_id, r.agent_id, r.lease_epoch, r.is_shadow, r.attempt_count, "
    "r.trace_id, r.worker_id",
    answer="SELECT * FROM moved ORDER BY run_id",
)

_FINISH = moves.statement(
    held="""
  SELECT %(run_id)s::uuid AS run_id, %(project_id)s::text AS project_id, %(to)s AS goes,
         %(reason)s AS reason, %(error_code)s::text AS error_code,
         %(error_detail)s::text AS error_detail""",
    fence=f" AND {moves.FENCE}",
    returning="r.run_id, r.project_id, r.step_count, r.lease_epoch",
    also=""",
         output_sha256 = %(output_sha256)s,
         step_count = r.step_count + %(step_count)s""",
    then=""",
journalled AS (
  INSERT INTO awooop_run_step_journal
         (project_id, run_id, step_seq, tool_name, mcp_gateway_id, result_status, was_blocked,
          block_reason, lease_epoch, created_at, completed_at)
  SELECT m.project_id, m.run_id, m.step_count - %(step_count)s + s.step_seq, s.tool_name,
         s.mcp_gateway_id, s.result_status, s.was_blocked, s.block_reason, m.lease_epoch,
         now(), now()
    FROM moved m, jsonb_to_recordset(%(steps)s::jsonb)
      AS s (step_seq int, tool_name text, mcp_gateway_id text, result_status text,
            was_blocked bool, block_reason text)
)""",
    answer="SELECT 1 FROM moved",
)

_HEARTBEAT = """
UPDATE awooop_run_state r
   SET heartbeat_at = clock_timestamp(),
       lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM unnest(%(run_ids)s::uuid[], %(epochs)s::int[]) AS mine (run_id, epoch)
 WHERE r.run_id = mine.run_id AND r.lease_epoch = mine.epoch
   AND r.state = 'running' AND r.lease_expires_at > clock_timestamp()
RETURNING r.run_id
"""

# Those in hand whose money is gone: an operator lowered a limit, or other runs went over it.
_END_OVERSPENT = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, 'failed' AS goes,
         '{Code.BUDGET_OVERSPENT.title}' AS reason,
         '{Code.BUDGET_OVERSPENT.value}'::text AS error_code,
         format('the budget of the %%s (%%s) is overspent', gone.level, gone.period)
           AS error_detail
    FROM unnest(%(run_ids)s::uuid[], %(epochs)s::int[]) AS mine (run_id, epoch)
    JOIN awooop_run_state r ON r.run_id = mine.run_id AND r.lease_epoch = mine.epoch
    JOIN awooop_projects p ON p.project_id = r.project_id,
         LATERAL (SELECT (clock_timestamp() AT TIME ZONE p.time_zone)::date AS day) today,
         LATERAL (
           SELECT l.level, l.period
             FROM awooop_budget_standing(r.project_id, r.agent_id, r.run_id::text, today.day,
                                         date_trunc('month', today.day)::date) l
            WHERE l.spent_usd > l.limit_usd OR l.spent_tokens > l.limit_tokens
            ORDER BY l.rank LIMIT 1) gone
   WHERE (r.state = 'running') IS TRUE AND r.lease_expires_at > clock_timestamp()
     AND (p.budget_limit_usd IS NOT NULL
          OR EXISTS (SELECT FROM awooop_budget b WHERE b.project_id = p.project_id))
     FOR UPDATE OF r""",
    returning="r.run_id",
    answer="SELECT run_id FROM moved",
)

# Nobody's: a human's yes has let it go on, and no worker has held it since. No attempt was lost.
_TAKEN_UP = (
    "((r.state = 'running') IS TRUE AND r.worker_id IS NULL"
    " AND r.lease_expires_at <= clock_timestamp())"
)
_GOES_ON = "it may go on"

_REAP = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, late.goes, late.reason, late.error_code, late.error_detail
    FROM awooop_run_state r, LATERAL (
      SELECT CASE WHEN r.timeout_at <= clock_timestamp() THEN 'timeout'
                  WHEN r.attempt_count >= r.max_attempts AND NOT {_TAKEN_UP} THEN 'failed'
                  ELSE 'pending' END AS goes) g, LATERAL (
      SELECT g.goes,
             CASE WHEN g.goes = 'timeout' THEN 'its time ran out'
                  WHEN g.goes = 'failed' THEN 'its last worker was lost'
                  WHEN {_TAKEN_UP} THEN '{_GOES_ON}'
                  ELSE 'its worker was lost' END AS reason,
             CASE g.goes WHEN 'timeout' THEN '{Code.RUN_TIMEOUT.value}'
                         WHEN 'failed' THEN '{Code.RUN_ATTEMPTS_SPENT.value}' END AS error_code,
             CASE g.goes WHEN 'timeout' THEN 'the run did not end in its time'
                         WHEN 'failed' THEN format('%%s workers were lost', r.attempt_count)
                          END AS error_detail) late
   WHERE r.state IN ('pending', 'running', 'waiting_tool')
     AND (r.timeout_at <= clock_timestamp()
          OR (r.state = 'running' AND r.lease_expires_at <= clock_timestamp()))
   ORDER BY r.run_id LIMIT {_REAP_AT_ONCE} FOR UPDATE OF r SKIP LOCKED""",
    returning="r.state",
    answer="SELECT state, count(*) FROM moved GROUP BY state",
)

_REQUEUE = moves.statement(
    held=f"""
  SELECT r.run_id, r.project_id, 'pending' AS goes, '{_GOES_ON}' AS reason,
         NULL::text AS error_code, NULL::text AS error_detail
    FROM awooop_run_state r
   WHERE r.project_id = %(project_id)s AND r.run_id = %(run_id)s AND {_TAKEN_UP}
     AND r.timeout_at > clock_timestamp() FOR UPDATE""",
    returning="r.run_id",
    answer="SELECT 1 FROM moved",
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one run, until it is lost."""

    run_id: UUID
    project_id: str
    agent_id: str
    epoch: int
    is_shadow: bool
    attempt: int
    trace_id: str
    worker: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker wants its run to end.

    Reason and detail may be of others: what is written of them holds no secrets.

    :param steps: a JSON array of the journal's new rows, ``step_seq`` counting from 1; see
        :func:`steps_json`.
    """

    lease: Lease
    to: State
    reason: str
    steps: str = "[]"
    step_count: int = 0
    output_sha256: str | None = None
    error_code: Code | None = None
    error_detail: str | None = None


def claim(*, worker: str, batch: int) -> list[Lease]:
    """Take up to ``batch`` waiting runs that no other worker holds, fairly over the projects."""
    with pipe() as p, p.worker_tx():
        p.send(_LOCK_LANES)
        taken = p.send(
            _CLAIM,
            {
                "worker": worker,
                "actor": f"worker:{worker}",
                "lease": settings.RUN_LEASE_SECONDS,
                "batch": batch,
            },
        )
    return [Lease(*row) for row in taken.fetchall()]


def heartbeat(leases: Sequence[Lease]) -> set[UUID]:
    """Renew leases and return the runs that are still held; the others are lost for good.

    A run whose budget is overspent, its own or one it shares, ends here.
    """
    params = {
        "lease": settings.RUN_LEASE_SECONDS,
        "run_ids": [lease.run_id for lease in leases],
        "epochs": [lease.epoch for lease in leases],
        "worker": None,
        "actor": "budget",
    }
    with pipe() as p, p.worker_tx():
        ended = p.send(_END_OVERSPENT, params)
        kept = p.send(_HEARTBEAT, params)
    for (run_id,) in ended.fetchall():
        log.warning("run_overspent", code=Code.BUDGET_OVERSPENT.value, run_id=str(run_id))
    return {row[0] for row in kept.fetchall()}


def finish(endings: Sequence[Ending]) -> int:
    """End runs, each in a transaction of its own, all in one round trip; return how many ended.

    A run whose lease was lost is left as it is. One that cannot be written fails alone, with
    E-RUN-001; those that stood behind it in the pipe are written again.
    """
    sent: list[tuple[Fate, psycopg.Cursor[Any]]] = []
    try:
        with pipe() as p:
            sent += (_send_ending(p, ending) for ending in endings)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as reason:
        done = sum(fate.committed for fate, _ in sent)
        poisoned, behind = endings[done], endings[done + 1 :]
        return _held(endings, sent[:done]) + _fail(poisoned, reason) + finish(behind)
    return _held(endings, sent)


def _held(endings: Sequence[Ending], sent: Sequence[tuple[Fate, psycopg.Cursor[Any]]]) -> int:
    held = 0
    for ending, (_, answer) in zip(endings, sent, strict=False):
        if answer.fetchone() is not None:
            held += 1
        else:
            log.warning(
                "lease_lost",
                code=Code.RUN_LEASE_LOST.value,
                run_id=str(ending.lease.run_id),
                epoch=ending.lease.epoch,
            )
    return held


def _fail(ending: Ending, reason: psycopg.Error) -> int:
    log.error("finish_failed", run_id=str(ending.lease.run_id), exc_info=reason)
    if ending.error_code is Code.RUN_EXECUTOR_FAILED:
        return 0
    code = Code.RUN_EXECUTOR_FAILED
    detail = f"the result could not be journalled: {type(reason).__name__}"
    return finish(
        [
            Ending(
                ending.lease,
                State.FAILED,
                reason=code.title,
                error_code=code,
                error_detail=detail,
            )
        ]
    )


def _send_ending(p: Pipe, ending: Ending) -> tuple[Fate, psycopg.Cursor[Any]]:
    detail = ending.error_detail
    params = {
        "run_id": ending.lease.run_id,
        "project_id": ending.lease.project_id,
        "epoch": ending.lease.epoch,
        "to": ending.to.value,
        "reason": redaction.excerpt(ending.reason, moves.MOST_TOLD),
        "actor": f"worker:{ending.lease.worker}",
        "worker": None,
        "lease": 0,
        "error_code": ending.error_code.value if ending.error_code else None,
        "error_detail": detail and redaction.excerpt(detail, moves.MOST_TOLD),
        "output_sha256": ending.output_sha256,
        "steps": ending.steps,
        "step_count": ending.step_count,
    }
    with p.tenant_tx(ending.lease.project_id) as fate:
        answer = p.send(_FINISH, params)
    return fate, answer


def requeue(project_id: str, run_id: UUID) -> bool:
    """Let workers claim a run that a human's yes has let go on, without waiting for the reaper.

    Opens its own transaction, after the one that decided.

    :returns: False when there is nothing to do: the reaper or another came first.
    """
    params = {"project_id": project_id, "run_id": run_id}
    with pipe() as p, p.tenant_tx(project_id):
        moved = p.send(_REQUEUE, {**params, "worker": None, "lease": 0, "actor": "clock"})
    return moved.fetchone() is not None


def reap() -> dict[str, int]:
    """Requeue runs whose worker was lost, fail those out of attempts, time out the late ones.

    :returns: how many runs went to each state.
    """
    with pipe() as p, p.worker_tx():
        reaped = p.send(_REAP, {"worker": None, "lease": 0, "actor": "reaper"})
    return dict(reaped.fetchall())


def steps_json(steps: Sequence[dict[str, Any]]) -> str:
    """Return journal rows in the form :class:`Ending` takes, without secrets."""
    return json.dumps(redaction.redact(list(steps)), separators=(",", ":"), ensure_ascii=False)
