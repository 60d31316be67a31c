"""How a call ends: shaped for its reader, its money settled, its effect known, its row written."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import psycopg
import structlog
from django.db import DatabaseError
from django.utils import timezone

from awooop.errors import Code, Unavailable
from awooop.kit.db import pipe, tenant_tx
from awooop.ledger import budget
from gateway import effects, humans, journal, policies, results, wording
from gateway.admission import Admitted, Simulated, Stopped
from gateway.facts import Facts
from gateway.gates import Blocked
from gateway.models import Outcome, Status
from gateway.providers.base import Answer, Failed, Target
from gateway.shapes import Call, Result

log = structlog.get_logger(__name__)


def refused(
    call: Call,
    judged: Simulated | Stopped,
    *,
    begun: float,
    admitted: Admitted | None = None,
) -> Result:
    """End a call that was not sent.

    :param admitted: of a call that passed the gates and was stopped after them.
    :raises Unavailable: it cannot be recorded.
    """
    result = _simulated(call) if isinstance(judged, Simulated) else _stopped(call, judged)
    if admitted is not None and admitted.claim is not None:
        gone = Failed(result.code or Code.KILLED, result.reason, sent=False)
        return _close(admitted, result, Outcome.ERROR, gone.detail, begun, is_spent=False)
    if result.code is Code.GATE_APPROVAL and call.ticket is None:
        return _ask(call, judged.facts, result, begun)
    return write(call, judged.facts, result, begun)


def failed(
    admitted: Admitted, reason: Failed, *, begun: float, target: Target | None = None
) -> Result:
    """End a call that got no usable answer.

    :param target: what was asked; it may have said its credential back.
    :raises Unavailable: it cannot be recorded.
    """
    is_unknown = reason.sent and admitted.claim is not None
    result = told(
        admitted.call,
        Status.UNKNOWN if is_unknown else Status.ERROR,
        reason.code,
        results.plain(reason.detail, admitted.facts.policies, target.shown if target else ()),
    )
    outcome = Outcome.UNKNOWN if is_unknown else Outcome.ERROR
    return _close(admitted, result, outcome, result.reason, begun, is_spent=reason.sent)


def answered(admitted: Admitted, answer: Answer, target: Target, *, begun: float) -> Result:
    """End a call whose tool answered, well or badly.

    :raises Unavailable: it cannot be recorded; the answer is withheld.
    """
    shaped = results.shape(
        answer,
        definition=admitted.entry.definition,
        policy=policies.redaction(admitted.facts.policies),
        secrets=target.shown,
    )
    replaced = results.replaced(admitted.call.arguments, admitted.arguments)
    result = Result(
        call_id=admitted.call.call_id,
        status=Status.ERROR if shaped.is_error else Status.SUCCESS,
        reason="; ".join(filter(None, (replaced, *shaped.notes))),
        content=shaped.content,
        structured=shaped.structured,
        is_error=shaped.is_error,
        sha256=shaped.sha256,
        size=shaped.size,
    )
    outcome = Outcome.ERROR if shaped.is_error else Outcome.EXECUTED
    note = "the tool says that it failed" if shaped.is_error else ""
    return _close(admitted, result, outcome, note, begun, is_spent=True)


def _simulated(call: Call) -> Result:
    said = "Simulated: shadow mode did not send this call. Nothing was read or changed."
    return Result(
        call_id=call.call_id,
        status=Status.SIMULATED,
        reason="the policy simulates reads in shadow mode",
        content=({"type": "text", "text": said},),
    )


def _stopped(call: Call, stopped: Stopped) -> Result:
    why = stopped.why
    reason = results.plain(why.reason, stopped.facts.policies)
    result = told(call, Status.BLOCKED, why.code, reason)
    if isinstance(why, Blocked):
        return replace(result, gate=why.gate, retry_after=why.retry_after)
    return result


def told(call: Call, status: Status, code: Code, reason: str) -> Result:
    """Return why a call was not carried out, as its result."""
    text = f"{code.value}: {wording.sentences(code.title, reason, code.hint)}"
    return Result(
        call_id=call.call_id,
        status=status,
        code=code,
        reason=reason,
        content=({"type": "text", "text": text},),
        is_error=True,
    )


def _close(
    admitted: Admitted, result: Result, outcome: Outcome, note: str, begun: float, *, is_spent: bool
) -> Result:
    """Write how an admitted call ended: its money, its row, its effect, in one transaction."""
    timed = replace(result, latency_ms=_milliseconds(begun))
    call = admitted.call
    try:
        with pipe() as p, p.tenant_tx(call.project_id):
            _send_money(p, admitted, is_spent=is_spent)
            journal.send(p, _row(call, admitted.facts, timed))
            if admitted.claim is not None:
                effects.send_end(
                    p,
                    admitted.effect,
                    outcome,
                    code=result.code,
                    note=note,
                    is_unsent=not is_spent,
                )
    except (psycopg.Error, DatabaseError) as reason:
        raise _unrecorded(call, reason) from reason
    return timed


def write(call: Call, known: Facts, result: Result, begun: float) -> Result:
    """Record a call that was not sent.

    :raises Unavailable: it cannot be recorded.
    """
    timed = replace(result, latency_ms=_milliseconds(begun))
    if known.standing.mode is None:  # there is no project whose row it could be
        return timed
    try:
        with pipe() as p, p.tenant_tx(call.project_id):
            journal.send(p, _row(call, known, timed))
    except (psycopg.Error, DatabaseError) as reason:
        raise _unrecorded(call, reason) from reason
    return timed


def _ask(call: Call, known: Facts, result: Result, begun: float) -> Result:
    """Record a call that needs a human, and ask for one, in one transaction.

    :raises Unavailable: it cannot be recorded; nobody was asked.
    """
    timed = replace(result, latency_ms=_milliseconds(begun))
    try:
        with tenant_tx(call.project_id):
            journal.write(_row(call, known, timed))
            asked = humans.ask(call, known, timezone.now())
    except (psycopg.Error, DatabaseError) as reason:
        raise _unrecorded(call, reason) from reason
    if asked is None:
        return timed
    text = (
        f"{timed.content[0]['text']} A human is asked: approval {asked.approval_id}, {asked.link},"
        f" until {asked.expires_at:%Y-%m-%d %H:%M} UTC. What becomes of it is told by the tool"
        f" {humans.STATUS_TOOL}; do not call this one again."
    )
    return replace(timed, asked=asked, content=({"type": "text", "text": text},))


def _send_money(p: Any, admitted: Admitted, *, is_spent: bool) -> None:
    if admitted.reservation_id is None:
        return
    call = admitted.call
    whose: Mapping[str, Any] = {"project_id": call.project_id, "actor": call.actor}
    if is_spent:
        price = effects.cost(admitted.entry.contract)
        budget.send_settle(p, admitted.reservation_id, usd=price, tokens=0, **whose)
    else:
        budget.send_release(p, admitted.reservation_id, **whose)


def _row(call: Call, known: Facts, result: Result) -> dict[str, Any]:
    entry = known.entry if known.scopes else None
    kept = results.kept(call.arguments, known.policies)
    return journal.row(
        call,
        result,
        gateway_id=entry.gateway_id if entry else "",
        tool_name=call.tool,
        is_shadow=known.is_shadow,
        is_destructive=known.verdict is not None and known.verdict.why is not None,
        arguments=kept.text,
        args_sha256=kept.sha256,
    )


def _milliseconds(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)


def _unrecorded(call: Call, reason: Exception) -> Unavailable:
    log.error("call_unrecorded", call_id=str(call.call_id), reason=type(reason).__name__)
    return Unavailable(Code.AUDIT_UNWRITABLE, "the call's record cannot be written")
