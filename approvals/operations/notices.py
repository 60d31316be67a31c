"""What people should hear of an operation: rows written with it, taken by whoever tells them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from approvals.operations.models import Notice, Operation
from awooop.kit import redaction
from awooop.kit.db import in_tx

ENDED, JUDGED, ROLLBACK, RESOLVED = (
    *("operation.ended", "operation.judged", "rollback.proposed"),
    "incident.resolved",
)
_TAKE = """
UPDATE awooop_outbox_notice n SET taken_at = %(at)s
 WHERE n.project_id = %(project_id)s AND n.taken_at IS NULL AND n.notice_id IN (
       SELECT w.notice_id FROM awooop_outbox_notice w
        WHERE w.project_id = %(project_id)s AND w.taken_at IS NULL
        ORDER BY w.notice_id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING n.notice_id
"""


@in_tx
def queue(operation: Operation, kind: str, facts: Mapping[str, Any], *, at: datetime) -> None:
    """Queue a notice in the transaction of what it tells; one of each kind an operation.

    It says which request and incident it belongs to: their card is answered, its buttons go.
    """
    payload = redaction.redact(
        {
            "operation_id": str(operation.operation_id),
            "approval_id": _text(operation.approval_id),
            "run_id": _text(operation.run_id),
            "incident_id": _text(operation.incident_id),
            "action": operation.action[:300],
            "is_auto_approved": operation.is_auto_approved,
            "removes_buttons": kind == ENDED,
            **facts,
        }
    )
    Notice.objects.bulk_create(
        [
            Notice(
                project_id=operation.project_id,
                operation_id=operation.operation_id,
                kind=kind,
                payload=payload,
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )


@in_tx
def take(project_id: str, *, at: datetime, most: int = 50) -> list[Notice]:
    """Take what nobody has told yet, the oldest first; two takers never get the same."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_TAKE, {"project_id": project_id, "at": at, "most": most})
        ids = [notice_id for (notice_id,) in cursor.fetchall()]
    found = Notice.objects.filter(project_id=project_id, notice_id__in=ids)
    return list(found.order_by("notice_id"))


def _text(identity: Any) -> str | None:
    return str(identity) if identity else None
