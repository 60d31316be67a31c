"""Searching a chain: pages by key, newest first, as deep as one likes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awooop.kit.db import Pipe

COLUMNS = "seq, at, act, actor, target_type, target, outcome, code, run_id, facts::text, hash"
MOST_CHAINS = 500

_CHAINS = f"""
SELECT c.project_id, c.seq, c.sealed_seq, c.checked_at, c.fault, s.at
  FROM awooop_audit_chain c LEFT JOIN LATERAL (
         SELECT at FROM awooop_audit_checkpoint p
          WHERE p.project_id = c.project_id ORDER BY number DESC LIMIT 1) s ON true
 WHERE %s::text IS NULL OR c.project_id = %s ORDER BY c.project_id LIMIT {MOST_CHAINS}
"""
_FIRST_SINCE = (
    "SELECT seq FROM awooop_audit_event WHERE project_id = %s AND at >= %s ORDER BY at LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to look for in one chain; every field narrows."""

    project_id: str
    act: str | None = None
    actor: str | None = None
    target: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """How a chain stands: its rows, how many a signature covers, and what the last look found."""

    project_id: str
    rows: int
    sealed: int
    checked_at: datetime | None
    fault: str
    sealed_at: datetime | None


@dataclass(slots=True)
class Page:
    """Some events, newest first. ``older`` and ``newer`` are the keys for its neighbours."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    older: int | None = None
    newer: int | None = None


def chains(p: Pipe, project_id: str | None = None) -> list[Chain]:
    """Return the chains that the open transaction may see, or one of them."""
    found = p.send(_CHAINS, [project_id, project_id])
    return [Chain(*row) for row in found.fetchall()]


def page(
    p: Pipe,
    filters: Filters,
    *,
    per_page: int,
    older_than: int | None = None,
    newer_than: int | None = None,
) -> Page:
    """Return one page of a chain.

    :param older_than: start below this row; ``newer_than`` instead ends above it.
    """
    p.plan_each()
    upwards = newer_than is not None
    where = ["project_id = %s"]
    params: list[Any] = [filters.project_id]
    for column in ("act", "actor", "target"):
        if wanted := getattr(filters, column):
            where.append(f"{column} = %s")
            params.append(wanted)
    if filters.since is not None:
        first = p.send(_FIRST_SINCE, [filters.project_id, filters.since]).fetchone()
        if first is None:
            return Page()
        where.append("seq >= %s")
        params.append(first[0])
    if (key := newer_than if upwards else older_than) is not None:
        where.append(f"seq {'>' if upwards else '<'} %s")
        params.append(key)
    order = "ASC" if upwards else "DESC"
    sql = (
        f"SELECT {COLUMNS} FROM awooop_audit_event WHERE {' AND '.join(where)}"
        f" ORDER BY seq {order} LIMIT %s"
    )
    rows = p.send(sql, [*params, per_page + 1]).fetchall()
    more = len(rows) > per_page
    rows = rows[:per_page]
    if upwards:
        rows.reverse()
    return Page(
        events=rows,
        older=rows[-1][0] if rows and (more or upwards) else None,
        newer=rows[0][0] if rows and (more if upwards else older_than is not None) else None,
    )
