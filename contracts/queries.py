"""What holds now: active bodies, verified to the last byte, kept for a moment in this process."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import UUID

import structlog

from awooop.audit import sink
from awooop.audit.acts import Act, Outcome
from awooop.errors import Code, Corrupt
from awooop.kit.db import pipe, tenant_tx
from contracts import seals
from contracts.models import ContractRevision, Family

log = structlog.get_logger(__name__)

FRESH_SECONDS = 1.0
_MOST = 10_000  # projects' contracts kept before the oldest are forgotten
_READ = [
    Family.AGENT.value,
    Family.MCP_GATEWAY.value,
    Family.POLICY.value,
    Family.PROJECT.value,
]

_ACTIVE = """
SELECT newest.moved_no, r.contract_family, r.contract_id, r.revision_id, r.body_hash,
       r.version_major, r.version_minor, r.created_by, r.key_id, r.signature, r.body::text
  FROM (SELECT COALESCE(max(m.moved_no), 0) AS moved_no FROM awooop_contract_revision m
         WHERE m.project_id = %(project_id)s) newest
  LEFT JOIN awooop_contract_revision r
    ON r.project_id = %(project_id)s AND r.lifecycle_status = 'active'
   AND r.contract_family = ANY (%(families)s)
"""

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Active:
    """An active revision; ``body`` must not be changed."""

    revision_id: UUID
    body_hash: str
    body: Mapping[str, Any]


Bodies = Mapping[Name, Active]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a process knows of a project, as of the contracts' move ``moved_no``.

    ``rows`` are what was read; one that reads the same again need not be verified again.
    """

    until: float
    moved_no: int
    rows: Mapping[Name, tuple[Any, ...]] = field(default_factory=dict)
    sound: Bodies = field(default_factory=dict)


_cache: dict[str, _Known] = {}
_lock = Lock()


def of_project(project_id: str) -> Bodies:
    """Return the project's sound active contracts by name: its own, agents', gateways', policies'.

    At most :data:`FRESH_SECONDS` old; one query when older. Opens its own transaction.

    :raises Unavailable: one was altered, and the evidence of that cannot be written.
    """
    return _known(project_id).sound


def active(project_id: str, family: Family, contract_id: str) -> Active | None:
    """Return the contract's active revision, or None.

    :raises Corrupt: it is not what was published.
    """
    known, name = _known(project_id), (family.value, contract_id)
    if name in known.rows and name not in known.sound:
        raise Corrupt(Code.CONTRACT_UNSOUND, f"the {family.value} {contract_id!r:.100} was altered")
    return known.sound.get(name)


def altered(project_id: str) -> frozenset[Name]:
    """Return the names of the project's active contracts that are not what was published."""
    known = _known(project_id)
    return frozenset(known.rows.keys() - known.sound.keys())


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _cache.clear()


def _known(project_id: str) -> _Known:
    before = _cache.get(project_id)
    if before is not None and before.until > time.monotonic():
        return before
    read = _read(project_id, before or _Known(0.0, 0))
    with _lock:
        present = _cache.get(project_id)
        # Another thread may have read later: what is older never takes its place.
        if present is not None and present.moved_no > read.moved_no:
            return present
        if len(_cache) >= _MOST:
            _cache.clear()
        _cache[project_id] = read
    return read


def _read(project_id: str, before: _Known) -> _Known:
    until = time.monotonic() + FRESH_SECONDS
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_ACTIVE, {"project_id": project_id, "families": _READ})
    answer = found.fetchall()
    rows = {(row[1], row[2]): row[1:] for row in answer if row[1] is not None}
    sound: dict[Name, Active] = {}
    for name, row in rows.items():
        if before.rows.get(name) == row:
            kept = before.sound.get(name)
        elif (kept := _verified(project_id, row)) is None:
            _accuse(project_id, row)
        if kept is not None:
            sound[name] = kept
    return _Known(until, answer[0][0], rows, sound)


def _verified(project_id: str, row: tuple[Any, ...]) -> Active | None:
    family, contract_id, revision_id, body_hash, major, minor, author, key_id, signature, body = row
    read = json.loads(body)
    revision = ContractRevision(
        project_id=project_id,
        contract_family=family,
        contract_id=contract_id,
        revision_id=revision_id,
        body_hash=body_hash,
        version_major=major,
        version_minor=minor,
        created_by=author,
        key_id=key_id,
        signature=signature,
        body=read,
    )
    return Active(revision_id, body_hash, read) if seals.is_sound(revision) else None


def _accuse(project_id: str, row: tuple[Any, ...]) -> None:
    family, contract_id, revision_id, *_ = row
    code = Code.CONTRACT_UNSOUND
    log.error("contract_unsound", code=code.value, project_id=project_id, contract=contract_id)
    with tenant_tx(project_id):
        sink.record(
            project_id,
            Act.CONTRACT_UNSOUND,
            actor="contracts",
            target=(f"{family} contract", contract_id),
            outcome=Outcome.ERROR,
            code=code,
            facts={"revision_id": revision_id},
        )
