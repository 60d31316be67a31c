"""Reading runs: one by its id, many by keyset pages. Never counts more than it shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from awooop.kit import ids
from awooop.kit.db import EVERYONE, Pipe, Scope

PER_PAGE = 50
MOST_PER_PAGE = 200
COUNT_UP_TO = 1_000

STATUS = (
    "run_id",
    "project_id",
    "agent_id",
    "state",
    "is_shadow",
    "trace_id",
    "attempt_count",
    "cost_usd",
    "step_count",
    "error_code",
    "created_at",
    "started_at",
    "completed_at",
)
DETAIL = (
    *STATUS,
    "trigger_type",
    "trigger_ref",
    "parent_run_id",
    "max_attempts",
    "error_detail",
    "input_sha256",
    "output_sha256",
    "timeout_at",
    "heartbeat_at",
    "worker_id",
    "lease_epoch",
    "lease_expires_at",
    "version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to list; every field narrows. ``scope`` is what the asker may see at all."""

    scope: Scope
    state: str | None = None
    agent_id: str | None = None
    is_shadow: bool | None = None
    since: datetime | None = None


@dataclass(slots=True)
class Page:
    """Some runs, newest first. ``before`` and ``after`` are the keys for its neighbours."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    older: UUID | None = None
    newer: UUID | None = None
    total: int = 0
    total_is_exact: bool = True


def one(p: Pipe, run_id: UUID, columns: Sequence[str] = STATUS) -> dict[str, Any] | None:
    """Return a run that the open transaction may see, or None."""
    sql = f"SELECT {', '.join(columns)} FROM awooop_run_state WHERE run_id = %s"
    row = p.send(sql, [run_id]).fetchone()
    return dict(zip(columns, row, strict=True)) if row else None


def page(
    p: Pipe,
    filters: Filters,
    *,
    per_page: int = PER_PAGE,
    older_than: UUID | None = None,
    newer_than: UUID | None = None,
    columns: Sequence[str] = STATUS,
) -> Page:
    """Return one page by keyset, newest first: the deepest costs what the first costs.

    :param older_than: start below this run; ``newer_than`` instead ends above it.
    """
    p.plan_each()
    upwards = newer_than is not None
    key = newer_than if upwards else older_than
    counted = p.send(*_counting(filters))
    found = p.send(*_listing(filters, columns, per_page + 1, key=key, upwards=upwards))
    rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    (total,) = counted.fetchone() or (0,)
    more = len(rows) > per_page
    rows = rows[:per_page]
    if upwards:
        rows.reverse()
    beyond_older = more if not upwards else True
    beyond_newer = more if upwards else older_than is not None
    return Page(
        runs=rows,
        older=rows[-1]["run_id"] if rows and beyond_older else None,
        newer=rows[0]["run_id"] if rows and beyond_newer else None,
        total=min(total, COUNT_UP_TO),
        total_is_exact=total <= COUNT_UP_TO,
    )


def _counting(filters: Filters) -> tuple[str, list[Any]]:
    sql, params = _matching(filters, "1", limit=COUNT_UP_TO + 1)
    return f"SELECT count(*) FROM ({sql} LIMIT %s) matching", [*params, COUNT_UP_TO + 1]


def _listing(
    filters: Filters, columns: Sequence[str], limit: int, *, key: UUID | None, upwards: bool
) -> tuple[str, list[Any]]:
    order = f"ORDER BY run_id {'ASC' if upwards else 'DESC'}"
    where = f"run_id {'>' if upwards else '<'} %s" if key else "true"
    sql, params = _matching(
        filters,
        ", ".join(columns),
        limit=limit,
        where=where,
        params=[key] if key else [],
        order=order,
    )
    return f"{sql} {order} LIMIT %s", [*params, limit]


def _matching(
    filters: Filters,
    columns: str,
    *,
    limit: int,
    where: str = "true",
    params: Sequence[Any] = (),
    order: str = "",
) -> tuple[str, list[Any]]:
    """Return a SELECT of what matches.

    Each project's newest are found along that project's own indexes and merged: a filter that
    matches nothing, or little and long ago, costs no walk through everybody's runs.
    """
    narrowing, wanted = _narrowing(filters)
    where = " AND ".join([where, *narrowing])
    given = [*params, *wanted]
    if filters.scope == EVERYONE and not _by_column(filters):
        return f"SELECT {columns} FROM awooop_run_state WHERE {where}", given
    among, scope = "true", []
    if filters.scope != EVERYONE:
        among, scope = "w.project_id = ANY (%s)", [sorted(filters.scope)]
    sql = (
        f"SELECT r.* FROM awooop_projects w CROSS JOIN LATERAL (SELECT {columns}"
        f" FROM awooop_run_state r WHERE r.project_id = w.project_id AND {where}"
        f" {order} LIMIT %s) r WHERE {among}"
    )
    return sql, [*given, limit, *scope]


def _by_column(filters: Filters) -> dict[str, Any]:
    asked = {name: getattr(filters, name) for name in ("state", "agent_id", "is_shadow")}
    return {name: value for name, value in asked.items() if value is not None}


def _narrowing(filters: Filters) -> tuple[list[str], list[Any]]:
    parts, params = [], []
    for column, wanted in _by_column(filters).items():
        if column == "is_shadow":  # spelled out, so that the index of live runs is seen to fit
            parts.append("is_shadow" if wanted else "NOT is_shadow")
        else:
            parts.append(f"{column} = %s")
            params.append(wanted)
    if filters.since is not None:
        parts.append("run_id >= %s")
        params.append(ids.floor_id(filters.since))
    return parts, params
