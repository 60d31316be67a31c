"""Reading chains from the database: in short transactions, by key, never all at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awooop.audit.chain import Event, Link
from awooop.audit.checkpoints import Checkpoint
from awooop.kit.db import EVERYONE, pipe

_AT_ONCE = 1_000

LINK_COLUMNS = (
    "project_id, event_id, act, actor, target_type, target, outcome, code, run_id, facts::text, "
    "seq, at, content_sha256, prev_hash, hash"
)
_LINKS = f"""
SELECT {LINK_COLUMNS} FROM awooop_audit_event
 WHERE project_id = %s AND (seq, event_id) > (%s, %s) AND seq <= %s
 ORDER BY seq, event_id LIMIT {_AT_ONCE}
"""
_CHECKPOINTS = f"""
SELECT project_id, number, seq, hash, previous, at, key_id, signature
  FROM awooop_audit_checkpoint WHERE project_id = %s AND number > %s AND number <= %s
 ORDER BY number LIMIT {_AT_ONCE}
"""
_LAST_CHECKPOINT = """
SELECT project_id, number, seq, hash, previous, at, key_id, signature
  FROM awooop_audit_checkpoint WHERE project_id = %s ORDER BY number DESC LIMIT 1
"""
_HEAD = """
SELECT c.project_id, c.seq, c.hash, c.sealed_seq, c.checked_at, c.fault, s.at,
       COALESCE(s.number, 0),
       COALESCE((SELECT max(e.seq) FROM awooop_audit_event e WHERE e.project_id = c.project_id), 0)
  FROM awooop_audit_chain c LEFT JOIN LATERAL (
         SELECT number, at FROM awooop_audit_checkpoint p
          WHERE p.project_id = c.project_id ORDER BY number DESC LIMIT 1) s ON true
 WHERE c.project_id = %s
"""
_NAMES = f"""
SELECT project_id FROM awooop_audit_chain WHERE project_id > %s
 ORDER BY project_id LIMIT {_AT_ONCE}
"""
_UNSEALED = """
SELECT project_id FROM awooop_audit_chain WHERE seq > sealed_seq AND fault = '' LIMIT %s
"""
_LOWEST_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain says that it ends (``seq``, ``hash``), and where its rows do (``top``).

    ``number`` is its newest checkpoint's, 0 without any; all of it seen at one moment.
    """

    project_id: str
    seq: int
    hash: str
    sealed_seq: int
    checked_at: datetime | None
    fault: str
    sealed_at: datetime | None
    number: int
    top: int


def head(project_id: str) -> Head | None:
    """Return the head of a chain, or None where there is no chain."""
    rows = _read(_HEAD, [project_id])
    return Head(*rows[0]) if rows else None


def names() -> Iterator[str]:
    """Yield the projects that have a chain, in order; the platform's own is among them."""
    after = ""
    while rows := _read(_NAMES, [after]):
        yield from (name for (name,) in rows)
        after = rows[-1][0]


def unsealed(most: int) -> list[str]:
    """Return some chains that have grown since their last checkpoint and are not broken."""
    with pipe() as p, p.worker_tx():
        found = p.send(_UNSEALED, [most])
    return [name for (name,) in found.fetchall()]


def links(project_id: str, *, after: int = 0, upto: int) -> Iterator[Link]:
    """Yield the links of a chain in order, those after ``after`` and not beyond ``upto``."""
    at: tuple[int, Any] = (after + 1, _LOWEST_ID)  # below every row of that number
    while rows := _read(_LINKS, [project_id, *at, upto]):
        yield from map(link, rows)
        at = rows[-1][10], rows[-1][1]


def link(row: tuple[Any, ...]) -> Link:
    """Return the link that a row of :data:`LINK_COLUMNS` is."""
    *event, facts, seq, at, content, prev_hash, own = row
    project_id, event_id, act, actor, target_type, target, outcome, code, run_id = event
    return Link(
        Event(
            project_id=project_id,
            event_id=event_id,
            act=act,
            actor=actor,
            target_type=target_type,
            target=target,
            outcome=outcome,
            code=code,
            run_id=run_id,
            facts=json.loads(facts),
        ),
        seq,
        at,
        content,
        prev_hash,
        own,
    )


def checkpoints(project_id: str, *, after: int = 0, upto: int) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a chain in order: those numbered ``after`` + 1 to ``upto``."""
    while rows := _read(_CHECKPOINTS, [project_id, after, upto]):
        yield from (Checkpoint(*row) for row in rows)
        after = rows[-1][1]


def last_checkpoint(project_id: str) -> Checkpoint | None:
    """Return a chain's newest checkpoint."""
    rows = _read(_LAST_CHECKPOINT, [project_id])
    return Checkpoint(*rows[0]) if rows else None


def _read(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with pipe() as p, p.operator_tx(EVERYONE):
        found = p.send(sql, params)
    return found.fetchall()
