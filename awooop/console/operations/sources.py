"""Where incidents, operations, playbooks and knowledge are read from, for pages and REST alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from approvals.operations.models import Outcome, Playbook, Severity, Status, Verdict
from awooop.console.gateway import reading
from awooop.console.gateway.reading import Row, Source
from awooop.kit.db import Pipe, Scope

INCIDENTS = Source(
    table="awooop_incident",
    key="incident_id",
    columns=(
        *("incident_id", "project_id", "title", "category", "severity", "status", "source"),
        *("source_ref", "opened_at", "resolved_at", "resolved_by", "resolution_id"),
    ),
)
OPERATIONS = Source(
    table="awooop_operation",
    key="operation_id",
    columns=(
        *("operation_id", "project_id", "approval_id", "run_id", "incident_id", "playbook_id"),
        *("rollback_of", "agent_id", "kind", "action", "description", "gateway_id", "tool_name"),
        *("environment", "arguments", "resolution", "risk", "requested_by", "is_auto_approved"),
        *("stage", "outcome", "attempts", "error_code", "error", "stderr", "verdict"),
        *("verdict_note", "effectiveness", "rollback_note", "duration_ms", "created_at"),
        *("opened_at", "closed_at"),
    ),
)
PLAYBOOKS = Source(
    table="awooop_playbook",
    key="playbook_id",
    columns=(
        *("playbook_id", "project_id", "name", "category", "standing", "action", "effectiveness"),
        *("uses", "successes", "created_at", "used_at"),
    ),
)
KNOWLEDGE = Source(
    table="awooop_knowledge",
    key="entry_id",
    columns=(
        *("entry_id", "project_id", "operation_id", "incident_id", "title", "body", "category"),
        *("tags", "did_not_work", "created_at"),
    ),
)
_JSON = ("arguments", "resolution")
_COUNTED = """
SELECT d.what, count(*) FROM awooop_incident i JOIN awooop_anomaly_disposition d
    ON d.project_id = i.project_id AND d.anomaly_key = i.anomaly_key
 WHERE i.project_id = %s AND i.incident_id = %s GROUP BY d.what ORDER BY d.what
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of thing that is listed.

    :param filters: by the name of a filter, its column; every value that it may have.
    :param has_words: whether its texts can be searched.
    """

    source: Source
    filters: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    has_words: bool = False


SHELVES = {
    "incidents": Shelf(
        INCIDENTS,
        {
            "status": ("status", tuple(Status.values)),
            "severity": ("severity", tuple(Severity.values)),
        },
    ),
    "operations": Shelf(
        OPERATIONS,
        {
            "outcome": ("outcome", tuple(filter(None, Outcome.values))),
            "verdict": ("verdict", tuple(filter(None, Verdict.values))),
        },
    ),
    "playbooks": Shelf(PLAYBOOKS, {"standing": ("standing", tuple(Playbook.Standing.values))}),
    "knowledge": Shelf(KNOWLEDGE, {"worked": ("did_not_work", ("yes", "no"))}, has_words=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to list of a shelf."""

    scope: Scope
    wanted: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    per_page: int = reading.PER_PAGE
    older_than: UUID | None = None
    newer_than: UUID | None = None


def page(p: Pipe, shelf: Shelf, wish: Wish) -> reading.Page:
    """Return one page of a shelf, newest first; with words, of what holds them all."""
    wanted: dict[str, Any] = {}
    for name, value in wish.wanted.items():
        column, _values = shelf.filters[name]
        wanted[column] = value == "no" if column == "did_not_work" else value
    found = reading.page(
        p,
        shelf.source,
        reading.Asked(
            scope=wish.scope,
            wanted=wanted,
            per_page=wish.per_page,
            older_than=wish.older_than,
            newer_than=wish.newer_than,
            meeting=_meeting(wish.words) if wish.words else (),
        ),
    )
    for row in found.rows:
        _open(row)
    return found


def one(p: Pipe, shelf: Shelf, project_id: str, identity: UUID) -> Row | None:
    """Return a thing that the open transaction may see, or None."""
    found = reading.one(p, shelf.source, project_id, identity)
    if found is not None:
        _open(found)
    return found


def operations_of(p: Pipe, project_id: str, incident_id: UUID) -> list[Row]:
    """Return what was done about an incident, newest first."""
    asked = reading.Asked(scope={project_id}, wanted={"incident_id": incident_id})
    return reading.page(p, OPERATIONS, asked).rows


def decided(p: Pipe, project_id: str, incident_id: UUID) -> list[tuple[str, int]]:
    """Count what was decided about anomalies like an incident's."""
    return list(p.send(_COUNTED, [project_id, incident_id]).fetchall())


def _meeting(words: str) -> tuple[tuple[str, Any], ...]:
    return (("words @@ websearch_to_tsquery('simple', %s)", words),)


def _open(row: Row) -> None:
    """Read what a pipe gives as text."""
    for name in _JSON:
        if isinstance(row.get(name), str):
            row[name] = json.loads(row[name])
