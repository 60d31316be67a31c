"""Objects in brief: what a list shows of each."""

from datetime import datetime
from typing import Any

_LONGEST = 500
_COUNTS = (
    *("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"),
    *("currentReplicas", "desiredReplicas"),
)
_DAEMONS = ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")
_JOBS = ("active", "succeeded", "failed")


def of(found: Any) -> dict[str, Any]:
    """Return an object's name, labels, age and state."""
    metadata = found.metadata
    brief: dict[str, Any] = {"name": metadata.name, "created": _moment(metadata.creationTimestamp)}
    if metadata.labels:
        brief["labels"] = metadata.labels
    status = getattr(found, "status", None)
    if (phase := getattr(status, "phase", None)) is not None:
        brief["phase"] = phase
    if type(found).__name__ == "Pod":
        brief.update(_pod(found))
    for name in (*_COUNTS, *_DAEMONS, *_JOBS):
        if isinstance(count := getattr(status, name, None), int):
            brief[name] = count
    return brief


def event(found: Any) -> dict[str, Any]:
    """Return an event in brief."""
    last = found.lastTimestamp or found.eventTime or found.firstTimestamp
    about = found.involvedObject
    return {
        "at": _moment(last),
        "type": found.type,
        "reason": found.reason,
        "object": f"{about.kind}/{about.name}",
        "message": (found.message or "")[:_LONGEST],
        "count": found.count or 1,
    }


def _pod(found: Any) -> dict[str, Any]:
    states = (found.status and found.status.containerStatuses) or []
    brief: dict[str, Any] = {
        "ready": f"{sum(1 for each in states if each.ready)}/{len(states)}",
        "restarts": sum(each.restartCount or 0 for each in states),
    }
    if found.spec and found.spec.nodeName:
        brief["node"] = found.spec.nodeName
    reasons = sorted(filter(None, {_why(each.state) for each in states}))
    return {**brief, "reasons": reasons} if reasons else brief


def _why(state: Any) -> str | None:
    for part in ("waiting", "terminated"):
        if (told := getattr(state, part, None)) is not None and told.reason:
            return str(told.reason)[:_LONGEST]
    return None


def _moment(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value
