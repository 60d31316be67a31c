"""Finding out what became of an effect: by the probe its contract names."""

import json
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from awooop.errors import Code, Conflict, NotFound, Unavailable
from awooop.kit.db import pipe, tenant_tx
from contracts import queries
from gateway import calls, catalog, effects, rules, standings
from gateway.models import Effect, Outcome
from gateway.providers.base import Answer
from gateway.shapes import Call

log = structlog.get_logger(__name__)

_asking = Lock()

_ASKED_AT_ONCE = 50
_PATIENCE_SECONDS = 600  # how long a probe is asked by the clock; then a human must say

_WAITING = f"""
SELECT project_id, effect_id FROM awooop_tool_effect
 WHERE outcome = 'unknown' AND probe IS NOT NULL AND probe <> 'null'::jsonb
   AND expires_at <= clock_timestamp()
   AND expires_at > clock_timestamp() - make_interval(secs => {_PATIENCE_SECONDS})
 ORDER BY expires_at LIMIT {_ASKED_AT_ONCE}
"""


def ask(project_id: str, effect_id: UUID, *, actor: str, at: datetime) -> Outcome:
    """Ask an effect's probe, and resolve the effect when the probe can tell.

    Opens its own transactions and holds none while it waits. A probe that fails tells nothing.

    :returns: what is known now; unknown when the probe could not tell.
    :raises NotFound: no such effect is unknown here.
    :raises Conflict: it has no probe, its call may still be under way, or the probe did not answer.
    """
    effect = _unknown(project_id, effect_id)
    if not effect.probe:
        raise Conflict(Code.EFFECT_OPEN, "its contract names no probe, or one that cannot be asked")
    if effect.expires_at > at:
        raise Conflict(Code.EFFECT_OPEN, "its call may still be under way")
    result, answer = calls.ask_probe(_probe(effect, actor))
    if answer is None or answer.is_error:
        raise Conflict(Code.EFFECT_OPEN, f"the probe did not answer: {result.reason}")
    executed = rules.hold(effect.probe["executed_when"], _value(answer))
    outcome = Outcome.EXECUTED if executed else Outcome.ERROR
    said = "took effect" if executed else "did not take effect"
    note = f"its probe {effect.probe['tool_name']} says that it {said} (call {result.call_id})"
    with tenant_tx(project_id):
        effects.resolve(project_id, effect_id, outcome, note=note, actor=actor, at=at)
    return outcome


def ask_all() -> int:
    """Ask the probes of effects that became unknown lately; return how many are known now.

    One thread of a process at a time: servers that hang must not take a worker's threads, one more
    with each tick of the clock.
    """
    if not _asking.acquire(blocking=False):
        return 0
    try:
        return _ask_all()
    finally:
        _asking.release()


def _ask_all() -> int:
    with pipe() as p, p.worker_tx():
        found = p.send(_WAITING)
    known = 0
    for project_id, effect_id in found.fetchall():
        try:
            ask(project_id, effect_id, actor="probe", at=timezone.now())
            known += 1
        except (Conflict, NotFound, Unavailable) as reason:
            log.info("probe_unanswered", effect_id=str(effect_id), reason=reason.detail)
    return known


def _unknown(project_id: str, effect_id: UUID) -> Effect:
    with tenant_tx(project_id):
        effect = Effect.objects.filter(
            project_id=project_id, effect_id=effect_id, outcome=Outcome.UNKNOWN
        ).first()
    if effect is None:
        raise NotFound(Code.EFFECT_UNKNOWN)
    return effect


def _probe(effect: Effect, actor: str) -> Call:
    """Return the call of a probe, which belongs to nobody's grants."""
    project_id, probe = effect.project_id, effect.probe
    assert probe is not None
    standing = standings.now(project_id)
    tools = catalog.of_project(project_id, queries.of_project(project_id), standing.number)
    entry = tools.by_place.get((effect.gateway_id, probe["tool_name"]))
    if entry is None:
        raise Conflict(Code.EFFECT_OPEN, "its probe is no longer in the contract")
    return Call(
        project_id=project_id,
        home_id=project_id,
        agent_id=effect.agent_id,
        tool=entry.name,
        arguments=probe["arguments"],
        actor=actor,
        environment=effect.environment,
        trace_id=effect.trace_id,
    )


def _value(answer: Answer) -> Mapping[str, Any]:
    """Return what a probe's rules judge: the structured answer, or the JSON of its text."""
    if answer.structured is not None:
        return answer.structured
    texts = [block.get("text") for block in answer.content if block.get("type") == "text"]
    try:
        value = json.loads(texts[0] or "") if len(texts) == 1 else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"text": "\n".join(map(str, texts))}
