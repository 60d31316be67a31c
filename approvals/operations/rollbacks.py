"""Taking back what did not help: proposed as an action of its own, for humans to decide about."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from approvals.operations import notices, proposals, readings
from approvals.operations.models import Kind, Operation, Outcome, Verdict
from awooop.errors import AwoooPError, Unavailable
from awooop.kit import redaction
from awooop.kit.db import tenant_tx
from gateway import results, rules

ACTOR = "system:verifier"
_NO_INVERSE = "nothing is known that would take it back"


def remember(operation: Operation) -> None:
    """Read what is about to be changed, so that it can be put back; what cannot be is left alone.

    Opens its own transactions.
    """
    tool = operation.tool_name.partition("__")[0]
    if operation.earlier is not None or tool not in ("k8s_scale", "k8s_patch"):
        return
    asked = operation.arguments
    named = {name: asked[name] for name in ("namespace", "kind", "name")}
    try:
        reading = readings.take(
            operation.project_id,
            operation.agent_id,
            operation.gateway_id,
            "k8s_get",
            named,
            actor=ACTOR,
            environment=operation.environment,
        )
    except Unavailable:
        return
    if reading.is_error or reading.value is None:
        return
    earlier = _earlier(tool, asked, reading.value)
    if earlier is None or results.outgoing(earlier) != earlier:  # a tag would be put back instead
        return
    operation.earlier = earlier
    with tenant_tx(operation.project_id):
        operation.save(update_fields=["earlier"])


def is_due(operation: Operation) -> bool:
    """Tell whether an executed action did not help, and nothing was said about that yet."""
    did_not_help = operation.verdict == Verdict.FAILED and operation.outcome == Outcome.EXECUTED
    return did_not_help and operation.kind == Kind.CALL and not operation.rollback_note


def inverse(operation: Operation) -> str | None:
    """Return the action that takes an operation back, in words; None when none is known."""
    if operation.earlier is None:
        return None
    asked = operation.arguments
    what = f"{asked['kind'].lower()}/{asked['name']} -n {asked['namespace']}"
    if "replicas" in operation.earlier:
        return f"kubectl scale {what} --replicas={operation.earlier['replicas']}"
    patch = shlex.quote(json.dumps(operation.earlier["patch"], separators=(",", ":")))
    return f"kubectl patch {what} --type merge -p {patch}"


def propose(operation: Operation) -> None:
    """Propose to take back what did not help, or note that nothing would. Never raises for that.

    Opens its own transactions. What takes something back is itself not taken back.
    """
    action, note = inverse(operation), _NO_INVERSE
    if action is not None and operation.rollback_of is None:
        try:
            made = proposals.propose(
                operation.project_id,
                agent_id=operation.agent_id,
                gateway_id=operation.gateway_id,
                action=action,
                description=f"takes back: {operation.action[:500]} ({operation.verdict_note})",
                risk=operation.risk or None,
                requested_by=ACTOR,
                incident_id=operation.incident_id,
                environment=operation.environment,
                rollback_of=operation.operation_id,
                at=timezone.now(),
            )
            note = f"proposed as operation {made.operation_id}: {action}"
        except AwoooPError as reason:
            note = f"could not be proposed: {reason.detail}"
    at = timezone.now()
    with tenant_tx(operation.project_id):
        operation.rollback_note = redaction.excerpt(note, 500)
        operation.save(update_fields=["rollback_note"])
        notices.queue(operation, notices.ROLLBACK, {"note": operation.rollback_note}, at=at)


def _earlier(
    tool: str, asked: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any] | None:
    if tool == "k8s_scale":
        replicas = rules.at(found, "/spec/replicas")
        known = isinstance(replicas, int) and replicas != asked["replicas"]
        return {"replicas": replicas} if known else None
    return {"patch": _back(asked["patch"], found)}


def _back(patch: Mapping[str, Any], was: Any) -> dict[str, Any]:
    """Return the merge patch that puts back what a patch touches; null removes what it added."""
    before = was if isinstance(was, Mapping) else {}
    return {
        name: _back(value, before.get(name))
        if isinstance(value, Mapping) and isinstance(before.get(name), Mapping)
        else before.get(name)
        for name, value in patch.items()
    }
