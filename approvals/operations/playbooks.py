"""Actions that helped, offered again: extracted when verified, trusted by what they did since.

People approve and retire them; what was retired comes back by a person alone.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import F, Q

from approvals.operations.models import Incident, Operation, Playbook, Verdict
from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, NotFound
from awooop.kit import canonical, redaction
from awooop.kit.db import in_tx

EXTRACTED_AT, APPROVED_AT = 4, 5  # of an effectiveness from 1 to 5
MOST_MATCHED = 10
_MOST_WORDS = 30
_WORDS = SearchVector("name", "category", "action", config="simple")
_WORD = re.compile(r"[^\W_]+")
_Standing = Playbook.Standing
_ACTS = {_Standing.APPROVED: Act.PLAYBOOK_APPROVED, _Standing.RETIRED: Act.PLAYBOOK_RETIRED}


@in_tx
def match(project_id: str, incident: Incident) -> Sequence[Playbook]:
    """Return the approved playbooks for incidents like this: its category first, then its words."""
    words = _WORD.findall(incident.title)[:_MOST_WORDS]
    approved = Playbook.objects.filter(project_id=project_id, standing=Playbook.Standing.APPROVED)
    asked = SearchQuery(" | ".join(words) or "''", config="simple", search_type="raw")
    found = approved.annotate(words=_WORDS, rank=SearchRank(F("words"), asked)).filter(
        Q(category=incident.category) | Q(words=asked)
    )[:200]
    return sorted(
        found,
        key=lambda each: (each.category != incident.category, -each.rank, -each.trust),
    )[:MOST_MATCHED]


@in_tx
def same(
    project_id: str, category: str, tool: str, arguments: Mapping[str, Any]
) -> Playbook | None:
    """Return the playbook of exactly this action in a category, whatever its standing."""
    return Playbook.objects.filter(
        project_id=project_id, category=category, action_sha256=sha256_of(tool, arguments)
    ).first()


@in_tx
def learn(operation: Operation, incident: Incident | None, *, at: datetime) -> Playbook | None:
    """Count a use of a playbook, or extract a new one from what was verified to work well."""
    is_verified = operation.verdict == Verdict.VERIFIED
    score = operation.effectiveness or 0
    used = _used(operation, incident)
    if used is not None:
        used.uses += 1
        used.successes += is_verified
        used.used_at = at
        if is_verified:
            used.effectiveness = score
        if used.standing == Playbook.Standing.DRAFT and is_verified and score >= APPROVED_AT:
            used.standing = Playbook.Standing.APPROVED
        used.save(
            update_fields=["uses", "successes", "used_at", "effectiveness", "standing"],
        )
        return used
    if incident is None or not is_verified or score < EXTRACTED_AT or operation.rollback_of:
        return None
    standing = Playbook.Standing.DRAFT
    if score >= APPROVED_AT:
        standing = Playbook.Standing.APPROVED
    return Playbook.objects.create(
        project_id=operation.project_id,
        name=redaction.excerpt(incident.title, 300),
        category=incident.category,
        standing=standing,
        action=operation.action,
        action_sha256=sha256_of(operation.tool_name, operation.arguments),
        effectiveness=score,
        created_at=at,
        used_at=at,
    )


@in_tx
def approve(project_id: str, playbook_id: UUID, *, actor: str, reason: str) -> bool:
    """Let a playbook be offered, whatever it was before; again does nothing.

    :raises NotFound: there is none of this id in the project.
    :returns: whether it was approved now.
    """
    return _stand(project_id, playbook_id, _Standing.APPROVED, actor=actor, reason=reason)


@in_tx
def retire(project_id: str, playbook_id: UUID, *, actor: str, reason: str) -> bool:
    """Offer a playbook no more, until a person approves it; again does nothing.

    :raises NotFound: there is none of this id in the project.
    :returns: whether it was retired now.
    """
    return _stand(project_id, playbook_id, _Standing.RETIRED, actor=actor, reason=reason)


def _stand(
    project_id: str, playbook_id: UUID, standing: Playbook.Standing, *, actor: str, reason: str
) -> bool:
    mine = Playbook.objects.select_for_update().filter(project_id=project_id)
    found = mine.filter(playbook_id=playbook_id).first()
    if found is None:
        raise NotFound(Code.OPERATION_UNKNOWN, "no such playbook")
    if found.standing == standing:
        return False
    was, found.standing = found.standing, standing
    found.save(update_fields=["standing"])
    sink.record(
        project_id,
        _ACTS[standing],
        actor=actor,
        target=("playbook", str(playbook_id)),
        facts={"was": was, "action": found.action, "reason": redaction.excerpt(reason, 500)},
    )
    return True


def sha256_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return what tells one playbook's action from another's."""
    return canonical.sha256_of({"tool": tool, "arguments": dict(arguments)})


def _used(operation: Operation, incident: Incident | None) -> Playbook | None:
    mine = Playbook.objects.select_for_update().filter(project_id=operation.project_id)
    if operation.playbook_id is not None:
        return mine.filter(playbook_id=operation.playbook_id).first()
    if incident is None:
        return None
    sha256 = sha256_of(operation.tool_name, operation.arguments)
    return mine.filter(category=incident.category, action_sha256=sha256).first()
