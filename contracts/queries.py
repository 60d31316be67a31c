"""What holds now: active bodies, kept for a moment in this process."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from awooop.kit.db import pipe
from contracts.models import Family

FRESH_SECONDS = 1.0
_MOST = 10_000  # projects' contracts kept before the oldest are forgotten

_ACTIVE = """
SELECT contract_family, contract_id, revision_id, body_hash, body::text
  FROM awooop_contract_revision
 WHERE project_id = %s AND lifecycle_status = 'active' AND contract_family = ANY (%s)
"""


@dataclass(frozen=True, slots=True)
class Active:
    """An active revision; ``body`` must not be changed."""

    revision_id: UUID
    body_hash: str
    body: Mapping[str, Any]


Bodies = Mapping[tuple[str, str], Active]

_cache: dict[str, tuple[float, Bodies]] = {}
_lock = Lock()


def of_project(project_id: str) -> Bodies:
    """Return the project's active agent and gateway contracts by (family, contract_id).

    At most :data:`FRESH_SECONDS` old; one query when older. Opens its own transaction.
    """
    kept = _cache.get(project_id)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    read_at = time.monotonic()
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_ACTIVE, [project_id, [Family.AGENT.value, Family.MCP_GATEWAY.value]])
    rows = found.fetchall()
    bodies: Bodies = {
        (family, contract_id): Active(revision_id, body_hash, json.loads(body))
        for family, contract_id, revision_id, body_hash, body in rows
    }
    with _lock:
        if len(_cache) >= _MOST:
            _cache.clear()
        _cache[project_id] = (read_at + FRESH_SECONDS, bodies)
    return bodies


def active(project_id: str, family: Family, contract_id: str) -> Active | None:
    """Return the contract's active revision, or None."""
    return of_project(project_id).get((family.value, contract_id))


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _cache.clear()
