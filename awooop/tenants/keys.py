"""API keys: issued once in the clear, kept as hashes, found under row level security."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, NotFound, Unauthenticated
from awooop.kit import ids, redaction
from awooop.kit.db import Pipe, in_tx, pipe
from awooop.tenants.models import PROJECT_ID, ApiKey, KeyScope
from awooop.tenants.modes import Mode

_SHAPE = re.compile(rf"awp\.({PROJECT_ID.pattern})\.([A-Za-z0-9_-]{{20,128}})")

_FIND = """
SELECT k.id, k.hint, k.agent_id, k.scopes, p.migration_mode, p.is_active
  FROM awooop_api_key k JOIN awooop_projects p ON p.project_id = k.project_id
 WHERE k.secret_sha256 = %s AND k.revoked_at IS NULL
   AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
"""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever sent a valid key, and the state of its project at that moment."""

    key_id: UUID
    hint: str
    project_id: str
    agent_id: str
    scopes: frozenset[str]
    mode: Mode
    is_active: bool

    @property
    def name(self) -> str:
        """How journals name this actor; says which key, tells nothing of its secret."""
        return f"key:{self.hint}"


@in_tx
def issue(
    project_id: str,
    *,
    name: str,
    actor: str,
    at: datetime,
    scopes: Collection[str] = tuple(KeyScope.values),
    agent_id: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its one clear-text spelling."""
    key, credential = _make(
        project_id,
        name=name,
        actor=actor,
        at=at,
        scopes=scopes,
        agent_id=agent_id,
        expires_at=expires_at,
    )
    _record(Act.KEY_ISSUED, key, actor=actor)
    return key, credential


def _make(
    project_id: str,
    *,
    name: str,
    actor: str,
    at: datetime,
    scopes: Collection[str],
    agent_id: str,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    secret = ids.new_secret()
    key = ApiKey.objects.create(
        project_id=project_id,
        name=redaction.excerpt(name, 100),
        hint=ids.digest(secret)[:8],
        secret_sha256=ids.digest(secret),
        scopes=sorted(scopes),
        agent_id=redaction.identity(agent_id, 100),
        created_by=actor,
        created_at=at,
        expires_at=expires_at,
    )
    return key, f"awp.{project_id}.{secret}"


def _record(act: Act, key: ApiKey, *, actor: str, **facts: object) -> None:
    told = {"name": key.name, "hint": key.hint, "scopes": key.scopes, "agent_id": key.agent_id}
    sink.record(
        key.project_id, act, actor=actor, target=("api_key", str(key.id)), facts={**told, **facts}
    )


@in_tx
def revoke(key_id: UUID, *, actor: str, at: datetime) -> None:
    """End a key now.

    :raises NotFound: there is no such living key in this project.
    """
    key = ApiKey.objects.select_for_update().filter(id=key_id, revoked_at=None).first()
    if key is None:
        raise NotFound(Code.KEY_UNKNOWN)
    key.revoked_at = at
    key.save(update_fields=["revoked_at"])
    _record(Act.KEY_REVOKED, key, actor=actor)


@in_tx
def rotate(key_id: UUID, *, actor: str, at: datetime, old_ends_at: datetime) -> tuple[ApiKey, str]:
    """Issue a successor with the same powers; the old key lives on until ``old_ends_at``.

    :raises NotFound: there is no such living key in this project.
    """
    old = ApiKey.objects.select_for_update().filter(id=key_id, revoked_at=None).first()
    if old is None:
        raise NotFound(Code.KEY_UNKNOWN)
    ends = min(old_ends_at, old.expires_at) if old.expires_at else old_ends_at
    ApiKey.objects.filter(id=old.id).update(expires_at=ends)
    new, credential = _make(
        old.project_id,
        name=old.name,
        actor=actor,
        at=at,
        scopes=old.scopes,
        agent_id=old.agent_id,
        expires_at=old.expires_at,
    )
    _record(Act.KEY_ROTATED, new, actor=actor, replaces=old.id, old_ends_at=ends)
    return new, credential


def read(credential: str) -> tuple[str, str]:
    """Return the project and the secret's hash that a credential spells.

    :raises Unauthenticated: it does not look like a key.
    """
    match = _SHAPE.fullmatch(credential)
    if match is None:
        raise Unauthenticated(Code.AUTH_MISSING)
    return match.group(1), ids.digest(match.group(2))


def holder(credential: str, *, beside: Callable[[Pipe, str], None] | None = None) -> KeyHolder:
    """Return who holds this key, in one round trip under the claimed project's own walls.

    :param beside: what else to send in that round trip, given the project that the key claims; its
        answer is to be believed only when this returns.
    :raises Unauthenticated: unknown, revoked or expired, all alike.
    """
    project_id, secret_sha256 = read(credential)
    with pipe() as p, p.tenant_tx(project_id):
        found = p.send(_FIND, [secret_sha256])
        if beside is not None:
            beside(p, project_id)
    row = found.fetchone()
    if row is None:
        raise Unauthenticated(Code.AUTH_MISSING)
    key_id, hint, agent_id, scopes, mode, is_active = row
    return KeyHolder(
        key_id, hint, project_id, agent_id, frozenset(scopes), Mode(mode), bool(is_active)
    )
