"""Requests and the votes on them, as they are read for people."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from awooop.console.gateway import reading
from awooop.console.gateway.reading import Row
from awooop.kit.db import Pipe
from awooop.tenants.models import Role

Votes = Mapping[tuple[str, UUID], Sequence[Row]]

SOURCE = reading.Source(
    table="awooop_approval",
    key="approval_id",
    columns=(
        "approval_id",
        "project_id",
        "run_id",
        "agent_id",
        "gateway_id",
        "tool_name",
        "environment",
        "arguments",
        "title",
        "description",
        "risk",
        "required_signatures",
        "requester_may_approve",
        "requested_by",
        "blast_radius",
        "standing",
        "disposition",
        "decided_by",
        "reason",
        "is_edited",
        "created_at",
        "expires_at",
        "decided_at",
        "ended_at",
    ),
)
_MORE = (
    "action_sha256",
    "ticket_id",
    "result",
    "incident_id",
    "playbook_id",
    "edited_from",
    "changes",
)

_JSON = ("arguments", "blast_radius", "result", "changes")

_VOTE = ("project_id", "approval_id", "voter", "is_yes", "comment", "voted_at", "counts")
_JOINED = """
SELECT project_id, approval_id, joiner FROM awooop_approval_joiner
 WHERE project_id = ANY (%(projects)s) AND approval_id = ANY (%(approvals)s)
 ORDER BY joined_at, joiner
"""
# A yes counts only for as long as whoever said it may decide, and did not ask for it themselves:
# as decisions.decide counts it.
_VOTES = """
SELECT v.project_id, v.approval_id, v.voter, v.is_yes, v.comment, v.voted_at, EXISTS (
         SELECT FROM awooop_operator_account o
          WHERE o.username = substr(v.voter, 10) AND o.is_active
            AND (o.platform_role = ANY (%(roles)s) OR EXISTS (
                  SELECT FROM awooop_member m
                   WHERE m.project_id = v.project_id AND m.operator_id = o.id
                     AND m.role = ANY (%(roles)s))))
         AND NOT EXISTS (
           SELECT FROM awooop_approval_joiner j
             JOIN awooop_approval a
               ON a.project_id = j.project_id AND a.approval_id = j.approval_id
            WHERE j.project_id = v.project_id AND j.approval_id = v.approval_id
              AND j.joiner = v.voter AND NOT a.requester_may_approve)
  FROM awooop_approval_vote v
 WHERE v.project_id = ANY (%(projects)s) AND v.approval_id = ANY (%(approvals)s)
 ORDER BY v.voted_at
"""
_ENOUGH = [role.value for role in Role if role.rank >= Role.APPROVER.rank]


def page(p: Pipe, asked: reading.Asked) -> reading.Page:
    """Return one page of requests."""
    found = reading.page(p, SOURCE, asked)
    for row in found.rows:
        _open(row)
    _join(p, found.rows)
    return found


def one(p: Pipe, project_id: str, approval_id: UUID) -> Row | None:
    """Return a request whole, or None."""
    found = reading.one(p, SOURCE, project_id, approval_id, *_MORE)
    if found is not None:
        _open(found)
        _join(p, [found])
    return found


def votes(p: Pipe, rows: Sequence[Row]) -> Votes:
    """Return who has voted on some requests, in the order they did."""
    found = p.send(_VOTES, {"roles": _ENOUGH, **_named(rows)})
    cast = defaultdict[tuple[str, UUID], list[Row]](list)
    for vote in reading.told(found.fetchall(), _VOTE):
        cast[vote["project_id"], vote["approval_id"]].append(vote)
    return cast


def _join(p: Pipe, rows: Sequence[Row]) -> None:
    """Add to each request who else has asked for it."""
    joined = defaultdict[tuple[str, UUID], list[str]](list)
    for project_id, approval_id, joiner in p.send(_JOINED, _named(rows)).fetchall():
        joined[project_id, approval_id].append(joiner)
    for row in rows:
        row["joiners"] = joined[row["project_id"], row["approval_id"]]


def _named(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "projects": sorted({row["project_id"] for row in rows}),
        "approvals": [row["approval_id"] for row in rows],
    }


def _open(row: dict[str, Any]) -> None:
    """Read what a pipe gives as text."""
    for name in _JSON:
        if isinstance(row.get(name), str):
            row[name] = json.loads(row[name])
