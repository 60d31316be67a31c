"""Incidents: opened once each, resolved after what was done for them was seen to work."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from approvals.operations.models import (
    Incident,
    Kind,
    Operation,
    Outcome,
    Severity,
    Status,
    Verdict,
)
from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, NotFound
from awooop.kit import redaction
from awooop.kit.db import in_tx


@in_tx
def open_one(
    project_id: str,
    *,
    title: str,
    severity: Severity,
    source: str,
    actor: str,
    at: datetime,
    category: str = "general",
    source_ref: str | None = None,
) -> Incident:
    """Open an incident, or return the one that its source has opened by this name before."""
    ref = redaction.identity(source_ref, 300) if source_ref else None
    told = {
        "title": redaction.excerpt(title, 300),
        "category": redaction.excerpt(category, 100),
        "severity": severity,
        "opened_at": at,
    }
    told["anomaly_key"] = _anomaly_key(source, str(told["category"]), str(told["title"]))
    where = {"project_id": project_id, "source": source[:100]}
    if ref is None:
        made, is_new = Incident.objects.create(**where, **told), True
    else:
        made, is_new = Incident.objects.get_or_create(**where, source_ref=ref, defaults=told)
    if is_new:
        sink.record(
            project_id,
            Act.INCIDENT_OPENED,
            actor=actor,
            target=("incident", str(made.incident_id)),
            facts={"title": made.title, "severity": made.severity, "source": made.source},
        )
    return made


@in_tx
def require(project_id: str, incident_id: UUID) -> Incident:
    """Return an incident.

    :raises NotFound: there is none of this id in the project.
    """
    found = Incident.objects.filter(project_id=project_id, incident_id=incident_id).first()
    if found is None:
        raise NotFound(Code.OPERATION_UNKNOWN, "no such incident")
    return found


@in_tx
def investigate(project_id: str, incident_id: UUID) -> None:
    """Say that something is being done about an incident; one that is resolved stays so."""
    Incident.objects.filter(
        project_id=project_id, incident_id=incident_id, status=Status.OPEN
    ).update(status=Status.INVESTIGATING)


@in_tx
def settle(operation: Operation, *, at: datetime) -> bool:
    """Resolve an operation's incident where the operation was verified, or only watched.

    Without a verification there is nothing that an executed action proves.

    :returns: whether it was resolved now; resolving it again does nothing.
    """
    if operation.incident_id is None or operation.outcome != Outcome.EXECUTED:
        return False
    is_watch = operation.kind == Kind.OBSERVE and operation.verification is None
    if operation.verdict != Verdict.VERIFIED and not is_watch:
        return False
    return _resolve(
        operation.project_id,
        operation.incident_id,
        by="operation",
        operation_id=operation.operation_id,
        at=at,
    )


@in_tx
def resolve(
    project_id: str, incident_id: UUID, *, actor: str, at: datetime, reason: str = ""
) -> bool:
    """Resolve an incident because a person says so; again does nothing.

    :param actor: ``operator:NAME``; the database takes nobody else's word.
    :param reason: how they know; kept as evidence.
    :returns: whether it was resolved now.
    :raises NotFound: there is none of this id in the project.
    """
    require(project_id, incident_id)
    return _resolve(project_id, incident_id, by=actor, operation_id=None, at=at, reason=reason)


def _resolve(
    project_id: str,
    incident_id: UUID,
    *,
    by: str,
    operation_id: UUID | None,
    at: datetime,
    reason: str = "",
) -> bool:
    changed = (
        Incident.objects.filter(project_id=project_id, incident_id=incident_id)
        .exclude(status=Status.RESOLVED)
        .update(
            status=Status.RESOLVED, resolved_at=at, resolved_by=by[:150], resolution_id=operation_id
        )
    )
    if changed:
        sink.record(
            project_id,
            Act.INCIDENT_RESOLVED,
            actor=by,
            target=("incident", str(incident_id)),
            facts={"operation_id": operation_id, "reason": redaction.excerpt(reason, 500)},
        )
    return bool(changed)


def _anomaly_key(source: str, category: str, title: str) -> str:
    """Return what incidents of one kind have in common."""
    return sha256("\x1f".join((source, category, title)).encode()).hexdigest()
