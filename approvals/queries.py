"""Reading requests: one by its own id or its run's, many by keyset pages, those that wait first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from approvals.models import Standing
from awooop.kit.db import EVERYONE, Pipe, Scope

PER_PAGE = 50
MOST_PER_PAGE = 200

COLUMNS = (
    *("approval_id", "project_id", "run_id", "agent_id", "gateway_id", "tool_name", "environment"),
    *("arguments", "action_sha256", "title", "description", "risk", "required_signatures"),
    *("requested_by", "blast_radius", "incident_id", "playbook_id", "standing", "disposition"),
    *("decided_by", "reason", "is_edited", "created_at", "expires_at", "decided_at", "ended_at"),
)
WHOLE = (*COLUMNS, "ticket_id", "result", "edited_from", "changes", "requester_may_approve")
_JSON = frozenset({"arguments", "blast_radius", "result", "changes"})
_VOTES = (
    "(SELECT count(*) FROM awooop_approval_vote v WHERE v.project_id = a.project_id"
    " AND v.approval_id = a.approval_id AND v.is_yes) AS votes"
)
_JOINED = (
    "ARRAY (SELECT j.joiner FROM awooop_approval_joiner j WHERE j.project_id = a.project_id"
    " AND j.approval_id = a.approval_id ORDER BY j.joined_at, j.joiner) AS also_asked_by"
)
_SAID = """
SELECT voter, is_yes, comment, voted_at FROM awooop_approval_vote
 WHERE project_id = %s AND approval_id = %s ORDER BY voted_at, voter
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to list; every field narrows. ``scope`` is what the asker may see at all."""

    scope: Scope
    standing: Standing | None = None
    agent_id: str | None = None
    risk: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended.

    :param is_decided: it ended among the requests that wait for nobody.
    """

    is_decided: bool
    approval_id: UUID


@dataclass(slots=True)
class Page:
    """Some requests: those that wait before those that do not, the oldest of both first."""

    approvals: list[dict[str, Any]] = field(default_factory=list)
    next: Place | None = None


def page(
    p: Pipe, filters: Filters, *, per_page: int = PER_PAGE, after: Place | None = None
) -> Page:
    """Return one page by keyset; the deepest costs what the first costs."""
    p.plan_each()
    parts: list[str] = []
    params: list[Any] = []
    for is_decided in (False, True):
        if _reaches(filters, after, is_decided=is_decided):
            key = after.approval_id if after and after.is_decided == is_decided else None
            sql, given = _part(filters, key, per_page + 1, is_decided=is_decided)
            parts.append(sql)
            params += given
    union = " UNION ALL ".join(parts)
    sql = f"SELECT * FROM ({union}) page ORDER BY is_decided, approval_id LIMIT %s"
    found = p.send(sql, [*params, per_page + 1]).fetchall()
    names = (*COLUMNS, "votes", "is_decided")
    rows = [_read(names, row) for row in found]
    more, rows = len(rows) > per_page, rows[:per_page]
    last = rows[-1] if rows and more else None
    place = Place(last["is_decided"], last["approval_id"]) if last else None
    for row in rows:
        del row["is_decided"]
    return Page(rows, place)


def one(p: Pipe, identity: UUID, scope: Scope) -> dict[str, Any] | None:
    """Return a request that the open transaction may see, with its votes; of a run, the newest.

    :param identity: of the request or of its run.
    """
    p.plan_each()
    columns = f"{', '.join(WHOLE)}, {_VOTES}, {_JOINED}"
    among, given = _among(scope)
    sql = (
        f"SELECT a.* FROM awooop_projects w CROSS JOIN LATERAL (SELECT {columns}"
        " FROM awooop_approval a WHERE a.project_id = w.project_id AND"
        " (a.approval_id = %s OR a.run_id = %s) ORDER BY a.approval_id DESC LIMIT 1) a"
        f" WHERE {among}"
    )
    row = p.send(sql, [identity, identity, *given]).fetchone()
    if row is None:
        return None
    found = _read((*WHOLE, "votes", "also_asked_by"), row)
    said = p.send(_SAID, [found["project_id"], found["approval_id"]]).fetchall()
    names = ("signer", "is_yes", "comment", "at")
    return {**found, "signatures": [dict(zip(names, vote, strict=True)) for vote in said]}


def project_of(p: Pipe, identity: UUID, scope: Scope) -> str | None:
    """Return whose a request is, or a run that may never have had one; None for nobody's."""
    among, given = _among(scope)
    sql = (
        "SELECT w.project_id FROM awooop_projects w WHERE (EXISTS (SELECT FROM awooop_approval a"
        " WHERE a.project_id = w.project_id AND a.approval_id = %s) OR EXISTS (SELECT"
        " FROM awooop_run_state r WHERE r.project_id = w.project_id AND r.run_id = %s))"
        f" AND {among} LIMIT 1"
    )
    row = p.send(sql, [identity, identity, *given]).fetchone()
    return row[0] if row else None


def _reaches(filters: Filters, after: Place | None, *, is_decided: bool) -> bool:
    """Tell whether a page looks at those that wait, or at those that do not."""
    if filters.standing is not None:
        return is_decided == (filters.standing is not Standing.PENDING)
    return is_decided or after is None or not after.is_decided


def _part(
    filters: Filters, key: UUID | None, limit: int, *, is_decided: bool
) -> tuple[str, Sequence[Any]]:
    wanted = f"a.standing {'<>' if is_decided else '='} 'pending'"
    params: list[Any] = []
    if is_decided and filters.standing is not None:
        wanted, params = "a.standing = %s", [filters.standing.value]
    for column, value in (("agent_id", filters.agent_id), ("risk", filters.risk)):
        if value is not None:
            wanted += f" AND a.{column} = %s"
            params.append(value)
    if key is not None:
        wanted += " AND a.approval_id > %s"
        params.append(key)
    among, scope = _among(filters.scope)
    sql = (
        f"(SELECT a.*, {str(is_decided).lower()} AS is_decided"
        f" FROM awooop_projects w CROSS JOIN LATERAL (SELECT {', '.join(COLUMNS)}, {_VOTES}"
        f" FROM awooop_approval a WHERE a.project_id = w.project_id AND {wanted}"
        f" ORDER BY a.approval_id LIMIT %s) a WHERE {among} ORDER BY a.approval_id LIMIT %s)"
    )
    return sql, [*params, limit, *scope, limit]


def _read(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    pairs = zip(names, row, strict=True)
    return {name: json.loads(each) if name in _JSON and each else each for name, each in pairs}


def _among(scope: Scope) -> tuple[str, list[Any]]:
    if scope == EVERYONE:
        return "true", []
    return "w.project_id = ANY (%s)", [sorted(scope)]
