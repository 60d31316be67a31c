"""What people read of the ledger: where the money stands, by day, by agent, entry by entry.

Everything is bounded, and sent into the pipe of a room that may see the project. A report costs
the same number of statements whatever it finds.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from awooop.kit.db import Pipe

DAYS = 31
MOST_AGENTS = MOST_ALERTS = 50
MOST_LIMITS = 500
PER_PAGE, MOST_PER_PAGE = 50, 200

Rows = list[dict[str, Any]]

_TODAY = """
  FROM awooop_projects p CROSS JOIN LATERAL (
         SELECT (clock_timestamp() AT TIME ZONE p.time_zone)::date AS day) today
"""
_STANDING = """
       l.period, l.starts_on, l.limit_usd, l.limit_tokens, l.spent_usd, l.reserved_usd,
       l.spent_tokens, l.reserved_tokens, l.calls
"""

_PROJECT = f"""
SELECT p.time_zone, today.day AS today, {_STANDING} {_TODAY}
       JOIN LATERAL awooop_budget_standing(p.project_id, NULL, NULL, today.day,
                                           date_trunc('month', today.day)::date) l
         ON l.level = 'project'
 WHERE p.project_id = %(project_id)s ORDER BY l.rank
"""

_AGENTS = f"""
SELECT top.key AS agent_id, {_STANDING} {_TODAY}
       JOIN LATERAL (
         SELECT m.key, m.spent_usd, m.spent_tokens FROM awooop_budget_account m
          WHERE m.project_id = p.project_id AND m.level = 'agent' AND m.period = 'month'
            AND m.starts_on = date_trunc('month', today.day)::date
          ORDER BY m.spent_usd DESC, m.spent_tokens DESC, m.key LIMIT {MOST_AGENTS}) top ON true
       JOIN LATERAL awooop_budget_standing(p.project_id, top.key, NULL, today.day,
                                           date_trunc('month', today.day)::date) l
         ON l.level = 'agent'
 WHERE p.project_id = %(project_id)s
 ORDER BY top.spent_usd DESC, top.spent_tokens DESC, top.key, l.rank
"""

_DAYS = f"""
SELECT d.day::date AS day, COALESCE(a.spent_usd, 0) AS spent_usd,
       COALESCE(a.reserved_usd, 0) AS reserved_usd, COALESCE(a.spent_tokens, 0) AS spent_tokens,
       COALESCE(a.reserved_tokens, 0) AS reserved_tokens, COALESCE(a.calls, 0) AS calls {_TODAY}
       JOIN LATERAL generate_series(today.day - {DAYS - 1}, today.day, interval '1 day') d (day)
         ON true
       LEFT JOIN awooop_budget_account a
         ON a.project_id = p.project_id AND a.level = 'project' AND a.period = 'day'
        AND a.starts_on = d.day::date AND a.key = ''
 WHERE p.project_id = %(project_id)s ORDER BY d.day
"""

_LIMITS = f"""
SELECT scope, agent_id, period, limit_usd, limit_tokens, changed_by, changed_at
  FROM awooop_budget WHERE project_id = %(project_id)s
 ORDER BY scope, agent_id, period LIMIT {MOST_LIMITS}
"""

_ALERTS = f"""
SELECT level, key, period, starts_on, threshold, at FROM awooop_budget_alert
 WHERE project_id = %(project_id)s ORDER BY at DESC LIMIT {MOST_ALERTS}
"""

# Each project's day and month, from one project id on.
_STANDINGS = f"""
SELECT p.project_id, p.display_name, p.time_zone, p.budget_limit_usd AS ceiling_usd, {_STANDING}
  FROM (SELECT project_id, display_name, time_zone, budget_limit_usd FROM awooop_projects
         WHERE project_id > %(after)s::text
           AND (%(project_id)s::text IS NULL OR project_id = %(project_id)s::text)
         ORDER BY project_id LIMIT %(limit)s) p
       CROSS JOIN LATERAL (
         SELECT (clock_timestamp() AT TIME ZONE p.time_zone)::date AS day) today
       JOIN LATERAL awooop_budget_standing(p.project_id, NULL, NULL, today.day,
                                           date_trunc('month', today.day)::date) l
         ON l.level = 'project'
 ORDER BY p.project_id, l.rank
"""

# Limits and what was counted against them; one for each agent or run by itself has no one count.
_LIMIT_PAGE = f"""
SELECT b.scope, b.agent_id, b.period, b.limit_usd, b.limit_tokens, b.changed_by, b.changed_at,
       b.is_counted, COALESCE(a.spent_usd, 0) AS spent_usd,
       COALESCE(a.reserved_usd, 0) AS reserved_usd, COALESCE(a.spent_tokens, 0) AS spent_tokens,
       COALESCE(a.reserved_tokens, 0) AS reserved_tokens, COALESCE(a.calls, 0) AS calls {_TODAY}
       JOIN LATERAL (
         SELECT s.*, s.scope = 'project' OR (s.scope = 'agent' AND s.agent_id <> '') AS is_counted
           FROM awooop_budget s
          WHERE s.project_id = %(project_id)s AND (s.scope, s.agent_id, s.period)
                > (%(scope)s::text, %(agent_id)s::text, %(period)s::text)
          ORDER BY s.scope, s.agent_id, s.period LIMIT %(limit)s) b ON true
       LEFT JOIN LATERAL (
         SELECT c.spent_usd, c.reserved_usd, c.spent_tokens, c.reserved_tokens, c.calls
           FROM awooop_budget_account c
          WHERE b.is_counted AND c.project_id = %(project_id)s AND c.level = b.scope
            AND c.period = b.period AND c.key = b.agent_id AND c.starts_on = CASE b.period
                WHEN 'day' THEN today.day ELSE date_trunc('month', today.day)::date END
          LIMIT 1) a ON true
 WHERE p.project_id = %(project_id)s ORDER BY b.scope, b.agent_id, b.period
"""

_AT_LEVELS = f"""
SELECT l.level, {_STANDING} {_TODAY}
       CROSS JOIN LATERAL awooop_budget_standing(p.project_id, NULLIF(%(agent_id)s::text, ''), NULL,
                                                 today.day, date_trunc('month', today.day)::date) l
 WHERE p.project_id = %(project_id)s ORDER BY l.rank
"""

_OF_RUN = f"""
SELECT {_STANDING}
  FROM awooop_budget_standing(%(project_id)s::text, %(agent_id)s::text, %(run_id)s::text,
                              date '0001-01-01', date '0001-01-01') l
 WHERE l.level = 'run'
"""

_ENTRIES = """
SELECT entry_id, kind, reservation_id, run_id, agent_id, day, usd, tokens, purpose, refused_level,
       refused_period, actor, at
  FROM awooop_budget_ledger
 WHERE project_id = %(project_id)s
   AND entry_id < COALESCE(%(older_than)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
 ORDER BY entry_id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Where a project's money stands.

    :param project: the present day and month, with their limits; empty for an unknown project.
    :param agents: the same for those that spent most this month, two rows each.
    :param days: the last 31, oldest first, the idle ones included.
    """

    project: Rows
    agents: Rows
    days: Rows
    limits: Rows
    alerts: Rows


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of the ledger, newest first, and where older ones begin."""

    entries: Rows
    older: UUID | None


def report(p: Pipe, project_id: str) -> Report:
    """Return where a project's money stands."""
    sent = [
        p.send(sql, {"project_id": project_id})
        for sql in (_PROJECT, _AGENTS, _DAYS, _LIMITS, _ALERTS)
    ]
    return Report(*(_rows(cursor) for cursor in sent))


def page(
    p: Pipe, project_id: str, *, older_than: UUID | None = None, per_page: int = PER_PAGE
) -> Page:
    """Return the newest entries of a project's ledger, or those older than one."""
    limit = min(per_page, MOST_PER_PAGE)
    found = _rows(
        p.send(_ENTRIES, {"project_id": project_id, "older_than": older_than, "limit": limit + 1})
    )
    older = found[limit - 1]["entry_id"] if len(found) > limit else None
    return Page(found[:limit], older)


def standings(
    p: Pipe, *, after: str = "", project_id: str | None = None, per_page: int = PER_PAGE
) -> tuple[list[Rows], str | None]:
    """Return day and month of each project that may be seen, by name, and where more begin."""
    asked = {"after": after, "project_id": project_id, "limit": per_page + 1}
    found = _rows(p.send(_STANDINGS, asked))
    pairs = [found[at : at + 2] for at in range(0, len(found), 2)]
    more = pairs[per_page - 1][0]["project_id"] if len(pairs) > per_page else None
    return pairs[:per_page], more


def limit_page(
    p: Pipe,
    project_id: str,
    *,
    after: tuple[str, str, str] = ("", "", ""),
    per_page: int = PER_PAGE,
) -> tuple[Rows, tuple[str, str, str] | None]:
    """Return a project's limits with what was counted against them, and where more begin.

    :param after: scope, agent and period of the last one seen.
    """
    scope, agent_id, period = after
    asked = {"project_id": project_id, "scope": scope, "agent_id": agent_id, "period": period}
    found = _rows(p.send(_LIMIT_PAGE, {**asked, "limit": per_page + 1}))
    last = found[per_page - 1] if len(found) > per_page else None
    more = (last["scope"], last["agent_id"], last["period"]) if last else None
    return found[:per_page], more


def levels(p: Pipe, project_id: str, agent_id: str = "") -> Rows:
    """Return the present day and month of a project, and of one of its agents where named."""
    return _rows(p.send(_AT_LEVELS, {"project_id": project_id, "agent_id": agent_id}))


def of_run(p: Pipe, project_id: str, agent_id: str, run_id: UUID) -> dict[str, Any]:
    """Return what one run has spent and reserved, and its limit."""
    asked = {"project_id": project_id, "agent_id": agent_id, "run_id": str(run_id)}
    return _rows(p.send(_OF_RUN, asked))[0]


def _rows(cursor: Any) -> Rows:
    rows = cursor.fetchall()  # only now are the columns known
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]
