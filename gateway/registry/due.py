"""When servers are asked: never under the present contract, not for a while, or they said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from awooop.errors import AwoooPError
from awooop.kit.db import pipe, tenant_tx, worker_tx
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from contracts import queries
from contracts.models import Family
from contracts.queries import Bodies
from gateway.models import Provider
from gateway.registry import asking, refreshing
from gateway.registry.asking import Asked

log = structlog.get_logger(__name__)

ACTOR = "gateway"
MOST = 64  # gateways that one tick refreshes
_PROJECTS_AT_ONCE = 100  # asked for in one round trip
_PAUSE_SECONDS = 30  # before somebody who waits asks a server again that could not be listed
_CALM_SECONDS = 5  # between two looks at a server that keeps saying that its tools changed
_MOST_REMEMBERED = 10_000

_DUE = """
SELECT r.contract_id, v.tried_at, COALESCE(v.body_hash = r.body_hash, false)
  FROM awooop_contract_revision r
  LEFT JOIN awooop_gateway_provider v
    ON v.project_id = r.project_id AND v.gateway_id = r.contract_id
 WHERE r.project_id = %(project_id)s AND r.contract_family = 'mcp_gateway'
   AND r.lifecycle_status = 'active' AND jsonb_typeof(r.body->'transport') = 'object'
   AND (v.tried_at IS NULL OR v.tried_at <= %(before)s
        OR (v.body_hash <> r.body_hash AND v.tried_at <= r.activated_at))
"""
# Of several who see the same row due, one gets it back.
_CLAIM = """
INSERT INTO awooop_gateway_provider AS v
       (project_id, gateway_id, server_name, server_version, instructions, tool_count, body_hash,
        faults, tried_at)
VALUES (%(project_id)s, %(gateway_id)s, '', '', '', 0, '', '[]', %(at)s)
ON CONFLICT (project_id, gateway_id) DO UPDATE SET tried_at = EXCLUDED.tried_at
 WHERE v.tried_at IS NULL OR v.tried_at <= %(seen)s
RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class _Due:
    project_id: str
    gateway_id: str
    tried_at: datetime | None
    is_listed: bool

    @property
    def rank(self) -> tuple[bool, float]:
        return self.is_listed, self.tried_at.timestamp() if self.tried_at else 0.0


def refresh_due(*, at: datetime) -> int:
    """Refresh the gateways whose turn it is, the never listed ones first. Opens transactions.

    :returns: how many were asked.
    """
    before = at - timedelta(seconds=settings.GATEWAY_REFRESH_SECONDS)
    due = sorted(_due(_projects(), before), key=lambda each: each.rank)[:MOST]
    claimed = [each for each in due if _claim(each.project_id, each.gateway_id, each.tried_at, at)]
    found = (_asked(each.project_id, each.gateway_id) for each in claimed)
    return _refresh([each for each in found if each is not None], asking.WITHIN, at)


def refresh_one(project_id: str, gateway_id: str, *, at: datetime) -> int:
    """Refresh a gateway whose server said that its tools changed, at most every few seconds."""
    asked = _asked(project_id, gateway_id)
    latest = at - timedelta(seconds=_CALM_SECONDS)
    if asked is None or not _claim(project_id, gateway_id, latest, at):
        return 0
    return _refresh([asked], asking.WITHIN, at)


def ensure_listed(project_id: str, bodies: Bodies, within: float) -> None:
    """Ask the project's servers that were never listed under their present contract, and wait.

    Nobody is asked for a project that may call nothing. What cannot be listed is left to the clock,
    and for a while not asked for again by who waits.
    Opens transactions.
    """
    unknown = [
        Asked(project_id, gateway_id, gateway)
        for (family, gateway_id), gateway in bodies.items()
        if family == Family.MCP_GATEWAY.value
        and gateway.body.get("transport") is not None
        and (project_id, gateway_id, gateway.body_hash) not in _listed
    ]
    if not unknown:
        return
    with tenant_tx(project_id):
        if not _live().filter(project_id=project_id).exists():
            return
        rows = {row.gateway_id: row for row in Provider.objects.filter(project_id=project_id)}
    at = timezone.now()
    latest = at - timedelta(seconds=_PAUSE_SECONDS)
    missing = []
    for asked in unknown:
        row = rows.get(asked.gateway_id)
        if row is not None and row.body_hash == asked.gateway.body_hash:
            _remember(asked)
        elif _claim(project_id, asked.gateway_id, latest, at):
            missing.append(asked)
    _refresh(missing, within, at)


_listed: set[tuple[str, str, str]] = set()


def forget() -> None:
    """Drop what this process remembers."""
    _listed.clear()


def _remember(asked: Asked) -> None:
    if len(_listed) >= _MOST_REMEMBERED:
        _listed.clear()
    _listed.add((asked.project_id, asked.gateway_id, asked.gateway.body_hash))


def _projects() -> list[str]:
    with worker_tx():
        return list(_live().values_list("project_id", flat=True))


def _live() -> Any:
    return Project.objects.filter(is_active=True).exclude(migration_mode=Mode.LEGACY)


def _due(projects: Sequence[str], before: datetime) -> list[_Due]:
    found: list[_Due] = []
    for start in range(0, len(projects), _PROJECTS_AT_ONCE):
        answers = []
        with pipe() as p:
            for project_id in projects[start : start + _PROJECTS_AT_ONCE]:
                with p.tenant_tx(project_id):
                    asked = p.send(_DUE, {"project_id": project_id, "before": before})
                answers.append((project_id, asked))
        found += [_Due(project_id, *row) for project_id, asked in answers for row in asked]
    return found


def _claim(project_id: str, gateway_id: str, seen: datetime | None, at: datetime) -> bool:
    params = {"project_id": project_id, "gateway_id": gateway_id, "seen": seen, "at": at}
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_CLAIM, params)
    return found.fetchone() is not None


def _asked(project_id: str, gateway_id: str) -> Asked | None:
    gateway = queries.of_project(project_id).get((Family.MCP_GATEWAY.value, gateway_id))
    if gateway is None or gateway.body.get("transport") is None:
        return None
    return Asked(project_id, gateway_id, gateway)


def _refresh(every: Sequence[Asked], within: float, at: datetime) -> int:
    for asked, answer in zip(every, asking.ask_all(every, within), strict=True):
        try:
            told = refreshing.write(asked, answer, actor=ACTOR, at=at)
        except AwoooPError as reason:
            log.warning("listing_lost", gateway_id=asked.gateway_id, code=reason.code.value)
            continue
        if told.error is None:
            _remember(asked)
        if told.error or told.suspended or told.faults:
            log.info(
                "listed",
                project_id=asked.project_id,
                gateway_id=asked.gateway_id,
                code=told.error,
                suspended=len(told.suspended),
                faults=len(told.faults),
            )
    return len(every)
