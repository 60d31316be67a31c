"""What operations taught: one entry each, found again by its words and its tags."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F

from approvals.operations.models import Incident, Knowledge, Operation, Outcome, Verdict
from awooop.kit import redaction
from awooop.kit.db import in_tx

MOST_FOUND = 50
_MOST_READ = 10_000


@in_tx
def write(operation: Operation, incident: Incident | None, *, at: datetime) -> None:
    """Write an operation's entry, or write it anew when more is known: there is one."""
    worked = operation.outcome == Outcome.EXECUTED
    did_not_work = operation.verdict == Verdict.FAILED or operation.outcome == Outcome.ERROR
    category = incident.category if incident else "general"
    about = incident.title if incident else operation.tool_name or "observation"
    told = {
        "incident_id": operation.incident_id,
        "title": redaction.excerpt(f"{about}: {operation.action[:100]}", 300),
        "body": redaction.excerpt(_body(operation, incident), 8_000),
        "category": category,
        "tags": tags(operation, category),
        "did_not_work": did_not_work or not worked,
    }
    whose = {"project_id": operation.project_id, "operation_id": operation.operation_id}
    if not Knowledge.objects.filter(**whose).update(**told):
        Knowledge.objects.create(**whose, **told, created_at=at)


def tags(operation: Operation, category: str) -> list[str]:
    """Return the tags of an entry: its mode, how it ended, its category."""
    mode = "human_approved"
    if operation.kind == "observe":
        mode = "observed"
    elif operation.is_auto_approved:
        mode = "auto_executed"
    ended = "success" if operation.outcome == Outcome.EXECUTED else "failure"
    found = [mode, ended, category, "execution"]
    if operation.outcome == Outcome.ERROR:
        found.append("execution_failed")
    if operation.verdict:
        found.append(str(operation.verdict))
    if operation.verdict == Verdict.FAILED:
        found.append("did not work")
    return found


@in_tx
def search(project_id: str, words: str, *, tags: Sequence[str] = ()) -> list[Knowledge]:
    """Return the entries that hold all words (``"a phrase"``, ``or`` and ``-not`` too), best first.

    Without words, the newest. What is older than the newest thousands is not read.

    :param tags: which all must be on an entry.
    """
    mine = Knowledge.objects.filter(project_id=project_id)
    read = mine.order_by("-entry_id").values("entry_id")[:_MOST_READ]
    found = mine.filter(entry_id__in=read)
    if tags:
        found = found.filter(tags__contains=list(tags))
    if not words.strip():
        return list(found.order_by("-entry_id")[:MOST_FOUND])
    asked = SearchQuery(words[:500].replace("\0", ""), config="simple", search_type="websearch")
    ranked = found.filter(words=asked)
    return list(ranked.order_by(SearchRank(F("words"), asked).desc(), "-entry_id")[:MOST_FOUND])


def _body(operation: Operation, incident: Incident | None) -> str:
    lines = {
        "Action": operation.action,
        "Description": operation.description,
        "Outcome": operation.outcome,
        "Error": operation.error,
        "Attempts": str(operation.attempts),
        "Verdict": operation.verdict,
        "Seen": operation.verdict_note,
        "Effectiveness": str(operation.effectiveness or ""),
        "Rollback": operation.rollback_note,
        "Risk": operation.risk,
        "Requested by": operation.requested_by,
        "Incident": incident.title if incident else "",
        "Severity": incident.severity if incident else "",
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
