"""Reading the record of calls: many by keyset pages, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from awooop.kit.db import EVERYONE, Pipe, Scope

PER_PAGE = 50
MOST_PER_PAGE = 200
MOST_SEEN = 20_000  # calls of one project that a page looks through for those that match

COLUMNS = (
    *("call_id", "project_id", "agent_id", "actor", "run_id", "trace_id", "gateway_id"),
    *("tool_name", "environment", "is_shadow", "result_status", "block_gate", "block_reason"),
    *("error_code", "is_destructive", "arguments", "args_sha256", "result_sha256"),
    *("result_size", "latency_ms", "created_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to list; every field narrows. ``scope`` is what the asker may see at all."""

    scope: Scope
    agent_id: str | None = None
    tool: str | None = None
    status: str | None = None
    run_id: UUID | None = None


@dataclass(slots=True)
class Page:
    """Some calls, newest first; ``older`` is the key of the next page, if there may be more."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    older: UUID | None = None


def page(
    p: Pipe, filters: Filters, *, per_page: int = PER_PAGE, older_than: UUID | None = None
) -> Page:
    """Return one page. One that looked through many calls may hold few, and still have a next."""
    p.plan_each()
    found = p.send(*_listing(filters, per_page + 1, older_than))
    edge = p.send(*_edge(filters, older_than)) if _by_scan(filters) else None
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in found.fetchall()]
    reached = edge.fetchone() if edge is not None else None
    if reached is not None:  # beyond it, some project's calls have not been looked at
        rows = [row for row in rows if row["call_id"] >= reached[0]]
    if len(rows) > per_page:
        return Page(rows[:per_page], rows[per_page - 1]["call_id"])
    return Page(rows, reached[0] if reached else None)


def _by_scan(filters: Filters) -> bool:
    """Tell whether no index finds what matches: then a page looks at so many calls and no more."""
    asked = (filters.agent_id, filters.tool, filters.status)
    return filters.run_id is None and any(each is not None for each in asked)


def _listing(filters: Filters, limit: int, older_than: UUID | None) -> tuple[str, list[Any]]:
    wanted, params = _wanted(filters)
    columns = ", ".join(COLUMNS)
    scans = _by_scan(filters)
    inner, given = _recent(columns, older_than, "true" if scans else wanted)
    if scans:
        inner = f"SELECT * FROM ({inner} LIMIT {MOST_SEEN + 1}) seen WHERE {wanted}"
    among, scope = _among(filters)
    sql = (
        f"SELECT c.* FROM awooop_projects w CROSS JOIN LATERAL ({inner} LIMIT %s) c"
        f" WHERE {among} ORDER BY call_id DESC LIMIT %s"
    )
    return sql, [*given, *params, limit, *scope, limit]


def _edge(filters: Filters, older_than: UUID | None) -> tuple[str, list[Any]]:
    inner, given = _recent("call_id", older_than, "true")
    among, scope = _among(filters)
    sql = (
        f"SELECT c.call_id FROM awooop_projects w CROSS JOIN LATERAL"
        f" ({inner} OFFSET {MOST_SEEN} LIMIT 1) c WHERE {among} ORDER BY c.call_id DESC LIMIT 1"
    )
    return sql, [*given, *scope]


def _recent(columns: str, older_than: UUID | None, wanted: str) -> tuple[str, list[Any]]:
    older = "AND call_id < %s" if older_than else ""
    sql = (
        f"SELECT {columns} FROM awooop_mcp_gateway_audit WHERE project_id = w.project_id"
        f" {older} AND {wanted} ORDER BY call_id DESC"
    )
    return sql, [older_than] if older_than else []


def _wanted(filters: Filters) -> tuple[str, Sequence[Any]]:
    by = {
        "agent_id": filters.agent_id,
        "tool_name": filters.tool,
        "result_status": filters.status,
        "run_id": filters.run_id,
    }
    asked = {column: value for column, value in by.items() if value is not None}
    return " AND ".join(["true", *(f"{column} = %s" for column in asked)]), list(asked.values())


def _among(filters: Filters) -> tuple[str, list[Any]]:
    if filters.scope == EVERYONE:
        return "true", []
    return "w.project_id = ANY (%s)", [sorted(filters.scope)]
