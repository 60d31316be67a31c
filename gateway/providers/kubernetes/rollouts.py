"""How far a rollout is, judged from an object's own status."""

from typing import Any


def status(kind: str, found: Any) -> dict[str, Any]:
    """Return whether a rollout is complete, has failed, or what it waits for."""
    now = found.status
    seen = getattr(now, "observedGeneration", None) or 0
    if now is None or seen < (found.metadata.generation or 0):
        state, message = "progressing", "its newest definition has not been observed yet"
        return {"state": state, "message": message, **_counts(0, 0, 0)}
    return {"Deployment": _deployment, "StatefulSet": _stateful_set, "DaemonSet": _daemon_set}[
        kind
    ](found.spec, now)


def _deployment(spec: Any, now: Any) -> dict[str, Any]:
    wanted = 1 if spec.replicas is None else spec.replicas
    updated, total, available = (
        now.updatedReplicas or 0, now.replicas or 0, now.availableReplicas or 0
    )  # fmt: skip
    counts = _counts(wanted, updated, available)
    for condition in now.conditions or []:
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return {"state": "failed", "message": "it exceeded its progress deadline", **counts}
    if total > updated >= wanted:
        message = f"{total - updated} old replicas wait for their end"
        return {"state": "progressing", "message": message, **counts}
    return _judged(wanted, updated, available)


def _stateful_set(spec: Any, now: Any) -> dict[str, Any]:
    wanted = 1 if spec.replicas is None else spec.replicas
    if spec.updateStrategy is not None and spec.updateStrategy.type == "OnDelete":
        message = "its pods are updated only when somebody deletes them"
        ready = now.readyReplicas or 0
        return {"state": "manual", "message": message, **_counts(wanted, 0, ready)}
    is_current = now.updateRevision == now.currentRevision
    updated = (now.currentReplicas if is_current else now.updatedReplicas) or 0
    rolling = spec.updateStrategy and spec.updateStrategy.rollingUpdate
    kept = (rolling and rolling.partition) or 0
    return _judged(wanted, updated, now.readyReplicas or 0, target=max(wanted - kept, 0))


def _daemon_set(spec: Any, now: Any) -> dict[str, Any]:
    wanted = now.desiredNumberScheduled or 0
    if spec.updateStrategy is not None and spec.updateStrategy.type == "OnDelete":
        message = "its pods are updated only when somebody deletes them"
        return {"state": "manual", "message": message, **_counts(wanted, 0, now.numberReady or 0)}
    return _judged(wanted, now.updatedNumberScheduled or 0, now.numberAvailable or 0)


def _judged(wanted: int, updated: int, available: int, target: int | None = None) -> dict[str, Any]:
    counts = _counts(wanted, updated, available)
    target = wanted if target is None else target
    if updated < target:
        message = f"{updated} of {target} replicas are updated"
    elif available < wanted:
        message = f"{available} of {wanted} replicas are available"
    else:
        return {"state": "complete", "message": f"all {wanted} replicas are up to date", **counts}
    return {"state": "progressing", "message": message, **counts}


def _counts(wanted: int, updated: int, available: int) -> dict[str, int]:
    return {"wanted": wanted, "updated": updated, "available": available}
