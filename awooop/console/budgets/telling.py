"""Budgets as programs read them: money as text, never a float."""

from collections.abc import Mapping, Sequence
from typing import Any

from awooop.console.budgets import figures
from awooop.ledger.limits import Limit, Place
from awooop.ledger.queries import Page, Report, Rows


def period(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one period of one level."""
    return {"starts_on": row["starts_on"], **counted(row), "calls": row["calls"]}


def counted(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a limit and what was counted against it."""
    return {
        "limit_usd": figures.plain(row["limit_usd"]),
        "spent_usd": figures.plain(row["spent_usd"]),
        "reserved_usd": figures.plain(row["reserved_usd"]),
        "left_usd": figures.plain(figures.left(row, "usd")),
        "limit_tokens": row["limit_tokens"],
        "spent_tokens": row["spent_tokens"],
        "reserved_tokens": row["reserved_tokens"],
        "left_tokens": figures.left(row, "tokens"),
    }


def project(pair: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a project's present day and month."""
    day, month = pair
    return {
        "project_id": day["project_id"],
        "display_name": day["display_name"],
        "time_zone": day["time_zone"],
        "ceiling_usd": figures.plain(day["ceiling_usd"]),
        "day": period(day),
        "month": period(month),
    }


def report(pair: Sequence[Mapping[str, Any]], found: Report) -> dict[str, Any]:
    """Return a project's budget with its agents, days and alerts."""
    agents = zip(found.agents[::2], found.agents[1::2], strict=True)
    return {
        **project(pair),
        "agents": [
            {"agent_id": day["agent_id"], "day": period(day), "month": period(month)}
            for day, month in agents
        ],
        "days": [
            {
                "day": row["day"],
                "spent_usd": figures.plain(row["spent_usd"]),
                "spent_tokens": row["spent_tokens"],
                "calls": row["calls"],
            }
            for row in found.days
        ],
        "alerts": found.alerts,
    }


def limit_rows(rows: Rows) -> list[dict[str, Any]]:
    """Return limits; those of each agent or run by itself have no one count."""
    return [
        {
            "scope": row["scope"],
            "agent_id": row["agent_id"],
            "period": row["period"],
            "limit_usd": figures.plain(row["limit_usd"]),
            "limit_tokens": row["limit_tokens"],
            "counted": counted(row) if row["is_counted"] else None,
            "changed_by": row["changed_by"],
            "changed_at": row["changed_at"],
        }
        for row in rows
    ]


def entries(page: Page) -> list[dict[str, Any]]:
    """Return entries of the ledger."""
    return [{**entry, "usd": figures.plain(entry["usd"])} for entry in page.entries]


def change(
    project_id: str, place: Place, *, was: Limit | None, now: Limit | None
) -> dict[str, Any]:
    """Return what a change of a limit changed."""
    return {
        "project_id": project_id,
        "scope": place.scope.value,
        "agent_id": place.agent_id,
        "period": place.period.value,
        "was": _limit(was),
        "now": _limit(now),
    }


def _limit(limit: Limit | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {"limit_usd": figures.plain(limit.usd), "limit_tokens": limit.tokens}
