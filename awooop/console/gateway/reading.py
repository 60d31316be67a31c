"""Rows of many projects by keyset pages, in the order of time, each project by its own key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from awooop.kit.db import EVERYONE, Pipe, Scope

PER_PAGE = 50
MOST_PER_PAGE = 200

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table whose key is the project and a time-ordered UUID."""

    table: str
    key: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Page:
    """Some rows, in order. ``older`` and ``newer`` are the keys for its neighbours."""

    rows: list[Row] = field(default_factory=list)
    older: UUID | None = None
    newer: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to list; ``scope`` is what the asker may see at all.

    :param wanted: columns and the values they must have; a list is any of them.
    :param meeting: further conditions, each with its parameter.
    """

    scope: Scope
    wanted: Mapping[str, Any] = field(default_factory=dict)
    per_page: int = PER_PAGE
    older_than: UUID | None = None
    newer_than: UUID | None = None
    not_before: UUID | None = None
    oldest_first: bool = False
    meeting: Sequence[tuple[str, Any]] = ()


def page(p: Pipe, source: Source, asked: Asked) -> Page:
    """Return one page; each project gives its own first, so that the depth costs nothing."""
    p.plan_each()
    upwards = asked.older_than is None if asked.oldest_first else asked.newer_than is not None
    order = f"ORDER BY {source.key} {'ASC' if upwards else 'DESC'}"
    where, params = _conditions(source, asked)
    narrowed = [] if asked.scope == EVERYONE else [sorted(asked.scope)]
    outer = "p.project_id = ANY (%s)" if narrowed else "true"
    sql = f"""
SELECT {", ".join(f"x.{name}" for name in source.columns)}
  FROM awooop_projects p, LATERAL (
    SELECT {", ".join(source.columns)} FROM {source.table} t
     WHERE t.project_id = p.project_id AND {where} {order} LIMIT %s) x
 WHERE {outer} {order} LIMIT %s
"""
    most = asked.per_page + 1
    rows = told(p.send(sql, [*params, most, *narrowed, most]).fetchall(), source.columns)
    more = len(rows) > asked.per_page
    rows = rows[: asked.per_page]
    if not rows:
        return Page()
    oldest, newest = (rows[0], rows[-1]) if upwards else (rows[-1], rows[0])
    has_older = asked.newer_than is not None if upwards else more
    has_newer = more if upwards else asked.older_than is not None
    return Page(
        rows=rows if upwards is asked.oldest_first else rows[::-1],
        older=oldest[source.key] if has_older else None,
        newer=newest[source.key] if has_newer else None,
    )


def one(p: Pipe, source: Source, project_id: str, key: UUID, *more: str) -> Row | None:
    """Return a row that the open transaction may see, with further columns, or None."""
    columns = (*source.columns, *more)
    found = p.send(
        f"SELECT {', '.join(columns)} FROM {source.table}"
        f" WHERE project_id = %s AND {source.key} = %s",
        [project_id, key],
    ).fetchall()
    return next(iter(told(found, columns)), None)


def told(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> list[Row]:
    """Return rows by the names of their columns."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _conditions(source: Source, asked: Asked) -> tuple[str, list[Any]]:
    where, params = ["true"], list[Any]()
    for column, value in asked.wanted.items():
        if value is not None:
            is_many = isinstance(value, list)
            where.append(f"t.{column} = {'ANY (%s)' if is_many else '%s'}")
            params.append(value)
    for key, sign in (
        (asked.older_than, "<"),
        (asked.newer_than, ">"),
        (asked.not_before, ">="),
    ):
        if key is not None:
            where.append(f"t.{source.key} {sign} %s")
            params.append(key)
    for condition, value in asked.meeting:
        where.append(condition)
        params.append(value)
    return " AND ".join(where), params
