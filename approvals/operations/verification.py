"""Did it help? A tool that only reads is asked within a bounded window, after the action ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from pydantic import TypeAdapter, ValidationError

from approvals.operations import incidents, metrics, notices, places, readings, words
from approvals.operations.actions import Action
from approvals.operations.models import Operation, Outcome, Stage, Verdict
from awooop.audit import acts, sink
from awooop.audit.acts import Act
from awooop.errors import Unavailable
from awooop.kit import redaction
from awooop.kit.db import in_tx, tenant_tx
from contracts.bodies.shapes import ArgumentRule
from gateway import facts, rules
from gateway.shapes import Call

LONGEST_WINDOW = 60  # seconds
EVERY_SECONDS = 2
_LATE_SECONDS = 60  # beyond the window: what is seen then proves nothing
_RULES: TypeAdapter[list[ArgumentRule]] = TypeAdapter(list[ArgumentRule])
_ROLLED = ("k8s_rollout_restart", "k8s_scale")
_COMPLETE = {"path": "/state", "required": True, "one_of": ["complete"]}
_RUNS = {"path": "/exit_status", "required": True, "one_of": [0]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What shall be seen after an action.

    :param tool: by its provider's own name, of the gateway that the action goes to or of another
        one that ``gateway_id`` names.
    :param rules: as :mod:`gateway.rules` judges them; all must hold.
    """

    tool: str
    arguments: Mapping[str, Any]
    rules: list[Mapping[str, Any]]
    window_seconds: int = LONGEST_WINDOW
    gateway_id: str | None = None


def planned(
    project_id: str, agent_id: str, gateway_id: str, wanted: Wanted, *, environment: str = ""
) -> dict[str, Any]:
    """Return a verification as the log keeps it.

    :raises Invalid: it cannot be asked: no such tool, one that writes, rules that are none.
    """
    place = wanted.gateway_id or gateway_id
    entry = places.beside(project_id, agent_id, place, wanted.tool)
    if entry is None:
        raise words.unread(f"the verification's {wanted.tool} was not granted to {agent_id}")
    if not 0 <= wanted.window_seconds <= LONGEST_WINDOW or not wanted.rules:
        raise words.unread(f"a verification has rules and at most {LONGEST_WINDOW} seconds")
    try:
        held = [rule.model_dump(exclude_none=True) for rule in _RULES.validate_python(wanted.rules)]
    except ValidationError:
        raise words.unread("the verification's rules are none") from None
    known = facts.gather(
        Call(
            project_id=project_id,
            home_id=project_id,
            agent_id=agent_id,
            tool=entry.name,
            arguments=wanted.arguments,
            actor="verifier",
            environment=environment,
        )
    )
    if known.verdict is None or not known.verdict.only_reads:
        raise words.unread("a verification may only read")
    if known.misfits:
        raise words.unread(f"the verification's arguments: {'; '.join(known.misfits)}")
    return {
        "gateway_id": place,
        "tool": wanted.tool,
        "arguments": dict(known.leaving),
        "rules": held,
        "window_seconds": wanted.window_seconds,
    }


def usual(
    project_id: str, agent_id: str, gateway_id: str, action: Action, *, environment: str = ""
) -> dict[str, Any] | None:
    """Return what is usually looked at after an action; None where nothing is, or may be."""
    arguments = action.arguments
    if action.tool in _ROLLED and arguments["kind"] != "ReplicaSet":
        named = {name: arguments[name] for name in ("namespace", "kind", "name")}
        wanted = Wanted(tool="k8s_rollout_status", arguments=named, rules=[_COMPLETE])
    elif action.tool == "ssh_systemctl_restart":
        asked = {"host": arguments["host"], "check": "unit_status", "unit": arguments["unit"]}
        wanted = Wanted(tool="ssh_diagnose", arguments=asked, rules=[_RUNS])
    else:
        return None
    if places.beside(project_id, agent_id, gateway_id, wanted.tool) is None:
        return None
    return planned(project_id, agent_id, gateway_id, wanted, environment=environment)


def look(operation: Operation) -> Verdict:
    """Look once; judge when what is wanted is there, or the window is over.

    Opens its own transactions and holds none while it waits. The outcome stays what it is.
    """
    begun = timezone.now()
    assert operation.verify_by is not None
    is_late = begun > operation.verify_by + timedelta(seconds=_LATE_SECONDS)
    held, why = (None, "nobody looked in time") if is_late else _seen(operation)
    if held:
        verdict = Verdict.VERIFIED
    elif begun < operation.verify_by:
        verdict = Verdict.NOT_YET
    else:
        verdict = Verdict.UNVERIFIED if held is None else Verdict.FAILED
    at = timezone.now()
    with tenant_tx(operation.project_id):
        mine = Operation.objects.filter(
            project_id=operation.project_id, operation_id=operation.operation_id, verdict=""
        )
        if verdict is Verdict.NOT_YET:
            again = min(at + timedelta(seconds=EVERY_SECONDS), operation.verify_by)
            mine.update(looks=operation.looks + 1, verdict_note=why, due_at=again)
            return verdict
        judged = mine.select_for_update().first()
        if judged is not None:
            judge(judged, verdict, why, at=at)
    return verdict


@in_tx
def judge(operation: Operation, verdict: Verdict, why: str, *, at: datetime) -> None:
    """Write a verdict, how well the action worked, and what follows for its incident."""
    operation.looks += 1
    operation.verdict, operation.verdict_note = verdict, redaction.excerpt(why, 500)
    operation.effectiveness = effectiveness(operation)
    operation.stage, operation.due_at = Stage.LEARNING, at
    operation.save(
        update_fields=[
            *("looks", "verdict", "verdict_note", "effectiveness", "stage", "due_at"),
        ]
    )
    facts_told = {"verdict": verdict.value, "effectiveness": operation.effectiveness, "why": why}
    notices.queue(operation, notices.JUDGED, facts_told, at=at)
    if incidents.settle(operation, at=at):
        notices.queue(operation, notices.RESOLVED, {}, at=at)
    sink.record(
        operation.project_id,
        Act.OPERATION_JUDGED,
        actor="verifier",
        target=("operation", str(operation.operation_id)),
        outcome=acts.Outcome.SUCCESS if verdict is Verdict.VERIFIED else acts.Outcome.ERROR,
        run_id=operation.run_id,
        facts=facts_told,
    )
    metrics.JUDGED.labels(verdict.value).inc()


def effectiveness(operation: Operation) -> int:
    """Return how well an action worked: 5 helped at once, 3 nobody knows, 1 did not help."""
    if operation.outcome != Outcome.EXECUTED:
        return 2 if operation.outcome == Outcome.UNKNOWN else 1
    if operation.verdict == Verdict.VERIFIED:
        return 5 if operation.attempts <= 1 and operation.looks <= 1 else 4
    return 1 if operation.verdict == Verdict.FAILED else 3


def _seen(operation: Operation) -> tuple[bool | None, str]:
    """Tell whether what is wanted is there; None when nothing was seen."""
    asked = operation.verification or {}
    try:
        reading = readings.take(
            operation.project_id,
            operation.agent_id,
            asked["gateway_id"],
            asked["tool"],
            asked["arguments"],
            actor="verifier",
            environment=operation.environment,
        )
    except Unavailable as reason:
        return None, reason.detail
    if reading.value is None:
        return None, reading.why
    broken = rules.misfits(asked["rules"], reading.value)
    if reading.is_error and broken:
        return None, reading.why
    return not broken, "; ".join(broken)
