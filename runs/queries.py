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
    where, params = _where(filters)
    total = p.send(
        "SELECT count(*) FROM (SELECT FROM awooop_run_state"
        f" WHERE {where} LIMIT {COUNT_UP_TO + 1}) matching",
        params,
    )
    upwards = newer_than is not None
    keyed, key_params = where, list(params)
    if upwards or older_than is not None:
        keyed += f" AND run_id {'>' if upwards else '<'} %s"
        key_params.append(newer_than if upwards else older_than)
    found = p.send(
        f"SELECT {', '.join(columns)} FROM awooop_run_state WHERE {keyed}"
        f" ORDER BY run_id {'ASC' if upwards else 'DESC'} LIMIT %s",
        [*key_params, per_page + 1],
    )
    rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    (counted,) = total.fetchone() or (0,)
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
        total=min(counted, COUNT_UP_TO),
        total_is_exact=counted <= COUNT_UP_TO,
    )


def _where(filters: Filters) -> tuple[str, list[Any]]:
    parts: list[str] = ["true"]
    params: list[Any] = []
    if filters.scope != EVERYONE:
        parts.append("project_id = ANY (%s)")
        params.append(sorted(filters.scope))
    for column in ("state", "agent_id", "is_shadow"):
        if (wanted := getattr(filters, column)) is not None:
            parts.append(f"{column} = %s")
            params.append(wanted)
    if filters.since is not None:
        parts.append("run_id >= %s")
        params.append(ids.floor_id(filters.since))
    return " AND ".join(parts), params
