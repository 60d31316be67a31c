"""Reading revisions: one with its signatures, many by keyset pages, newest first."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from awooop.kit.db import EVERYONE, Pipe, Scope
from contracts import seals
from contracts.models import ContractRevision, ContractSignature

PER_PAGE = 50
MOST_PER_PAGE = 200

_HEADS = (
    "revision_id",
    "project_id",
    "contract_family",
    "contract_id",
    "version_major",
    "version_minor",
    "lifecycle_status",
    "body_hash",
    "created_by",
    "created_at",
    "published_at",
    "activated_at",
    "key_id",
    "signature",
)
_ONE = (
    f"SELECT {', '.join(_HEADS)}, body::text FROM awooop_contract_revision WHERE revision_id = %s"
)
_SIGNATURES = """
SELECT project_id, revision_id, signer, body_hash, signed_at, key_id, signature
  FROM awooop_contract_signature WHERE revision_id = %s ORDER BY signed_at, signer LIMIT 200
"""
_NAMES = ("project_id", "revision_id", "signer", "body_hash", "signed_at", "key_id", "signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to list; every field narrows. ``scope`` is what the asker may see at all."""

    scope: Scope
    family: str | None = None
    contract_id: str | None = None
    status: str | None = None


@dataclass(slots=True)
class Page:
    """Some revisions, newest first, without their bodies; ``older`` is the key of the next page."""

    revisions: list[ContractRevision] = field(default_factory=list)
    older: UUID | None = None
    newer: UUID | None = None


def one(p: Pipe, revision_id: UUID) -> ContractRevision | None:
    """Return a revision that the open transaction may see, or None."""
    row = p.send(_ONE, [revision_id]).fetchone()
    if row is None:
        return None
    *head, body = row
    return ContractRevision(**dict(zip(_HEADS, head, strict=True)), body=json.loads(body))


def signatures(p: Pipe, revision: ContractRevision) -> list[tuple[ContractSignature, bool]]:
    """Return who signed a revision, each with whether the signature is genuine."""
    rows = p.send(_SIGNATURES, [revision.revision_id]).fetchall()
    made = [ContractSignature(**dict(zip(_NAMES, row, strict=True))) for row in rows]
    return [(each, seals.counts(each, revision)) for each in made]


def active_beside(p: Pipe, revision: ContractRevision) -> ContractRevision | None:
    """Return the active revision of the same contract, or None."""
    found = p.send(
        f"SELECT {', '.join(_HEADS)}, body::text FROM awooop_contract_revision"
        " WHERE project_id = %s AND contract_family = %s AND contract_id = %s"
        " AND lifecycle_status = 'active'",
        [revision.project_id, str(revision.contract_family), revision.contract_id],
    ).fetchone()
    if found is None:
        return None
    *head, body = found
    return ContractRevision(**dict(zip(_HEADS, head, strict=True)), body=json.loads(body))


def page(
    p: Pipe,
    filters: Filters,
    *,
    per_page: int,
    older_than: UUID | None = None,
    newer_than: UUID | None = None,
) -> Page:
    """Return one page by keyset, newest first.

    :param older_than: start below this revision; ``newer_than`` instead ends above it.
    """
    p.plan_each()
    upwards = newer_than is not None
    where, params = ["true"], list[Any]()
    if filters.scope != EVERYONE:
        where.append("project_id = ANY (%s)")
        params.append(sorted(filters.scope))
    wanted = {
        "contract_family": filters.family,
        "contract_id": filters.contract_id,
        "lifecycle_status": filters.status,
    }
    for column, value in wanted.items():
        if value:
            where.append(f"{column} = %s")
            params.append(value)
    if (key := newer_than if upwards else older_than) is not None:
        where.append(f"revision_id {'>' if upwards else '<'} %s")
        params.append(key)
    sql = (
        f"SELECT {', '.join(_HEADS)} FROM awooop_contract_revision WHERE {' AND '.join(where)}"
        f" ORDER BY revision_id {'ASC' if upwards else 'DESC'} LIMIT %s"
    )
    rows = p.send(sql, [*params, per_page + 1]).fetchall()
    more = len(rows) > per_page
    found = [ContractRevision(**dict(zip(_HEADS, row, strict=True))) for row in rows[:per_page]]
    if upwards:
        found.reverse()
    return Page(
        revisions=found,
        older=found[-1].revision_id if found and (more or upwards) else None,
        newer=found[0].revision_id
        if found and (more if upwards else older_than is not None)
        else None,
    )
