"""How a call ends: shaped for its reader, its money settled, its effect known, its row written.

An :class:`Ending` is told to nobody before it is written; many of them can be, at once.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
import structlog
from django.db import DatabaseError
from django.utils import timezone

from awooop.errors import Code, Unavailable
from awooop.kit.db import Pipe, pipe, tenant_tx
from awooop.ledger import budget
from gateway import effects, humans, journal, policies, results, wording
from gateway.admission import Admitted, Simulated, Stopped
from gateway.facts import Facts
from gateway.gates import Blocked
from gateway.models import Outcome, Status
from gateway.providers.base import Answer, Failed, Target
from gateway.shapes import Call, Result

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended.

    :param row: for the journal; None where there is no project whose row it could be.
    :param beside: queues what else belongs into the row's transaction.
    """

    call: Call
    result: Result
    row: dict[str, Any] | None
    beside: Callable[[Pipe], None] | None = None


def asks_a_human(call: Call, judged: Simulated | Stopped) -> bool:
    """Tell whether a refused call becomes a request for a human's yes: see :func:`ask`."""
    why = judged.why if isinstance(judged, Stopped) else None
    return why is not None and why.code is Code.GATE_APPROVAL and call.ticket is None


def refused(
    call: Call,
    judged: Simulated | Stopped,
    *,
    begun: float,
    admitted: Admitted | None = None,
) -> Ending:
    """End a call that was not sent.

    :param admitted: of a call that passed the gates and was stopped after them.
    """
    result = _refusal(call, judged)
    if admitted is not None and admitted.claim is not None:
        gone = Failed(result.code or Code.KILLED, result.reason, sent=False)
        return _closing(admitted, result, Outcome.ERROR, gone.detail, begun, is_spent=False)
    return untold(call, judged.facts, result, begun)


def failed(
    admitted: Admitted, reason: Failed, *, begun: float, target: Target | None = None
) -> Ending:
    """End a call that got no usable answer.

    :param target: what was asked; it may have said its credential back.
    """
    is_unknown = reason.sent and admitted.claim is not None
    result = told(
        admitted.call,
        Status.UNKNOWN if is_unknown else Status.ERROR,
        reason.code,
        results.plain(reason.detail, admitted.facts.policies, target.shown if target else ()),
    )
    outcome = Outcome.UNKNOWN if is_unknown else Outcome.ERROR
    return _closing(admitted, result, outcome, result.reason, begun, is_spent=reason.sent)


def answered(admitted: Admitted, answer: Answer, target: Target, *, begun: float) -> Ending:
    """End a call whose tool answered, well or badly."""
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
    return _closing(admitted, result, outcome, note, begun, is_spent=True)


def untold(call: Call, known: Facts, result: Result, begun: float) -> Ending:
    """End a call of which nothing is kept but its row."""
    timed = replace(result, latency_ms=_milliseconds(begun))
    row = None if known.standing.mode is None else _row(call, known, timed)
    return Ending(call, timed, row)


def write(endings: Sequence[Ending]) -> list[Unavailable | None]:
    """Write how calls ended, each project's rows at once; return why one is not written.

    One that cannot be written takes no other with it. Opens its own transactions.
    """
    reasons: dict[int, Unavailable | None] = {}
    rows: dict[str, dict[int, Ending]] = {}
    for place, each in enumerate(endings):
        if each.beside is not None:
            reasons |= _write_of(each.call.project_id, {place: each})
        elif each.row is not None:
            rows.setdefault(each.call.project_id, {})[place] = each
    for project_id, several in rows.items():
        reasons |= _write_of(project_id, several)
    return [reasons.get(place) for place in range(len(endings))]


def recorded(ending: Ending) -> Result:
    """Write how one call ended, and return what its caller is told.

    :raises Unavailable: it cannot be recorded; the answer is withheld.
    """
    (reason,) = write([ending])
    if reason is not None:
        raise reason
    return ending.result


def ask(call: Call, stopped: Stopped, *, begun: float) -> Result:
    """Record a call that needs a human, and ask for one, in one transaction.

    :raises Unavailable: it cannot be recorded; nobody was asked.
    """
    known = stopped.facts
    timed = replace(_refusal(call, stopped), latency_ms=_milliseconds(begun))
    try:
        with tenant_tx(call.project_id):
            journal.write([_row(call, known, timed)])
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


def _refusal(call: Call, judged: Simulated | Stopped) -> Result:
    return _simulated(call) if isinstance(judged, Simulated) else _stopped(call, judged)


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


def _closing(
    admitted: Admitted, result: Result, outcome: Outcome, note: str, begun: float, *, is_spent: bool
) -> Ending:
    """End an admitted call: its money, its row and its effect belong into one transaction."""
    timed = replace(result, latency_ms=_milliseconds(begun))
    beside = None
    if admitted.reservation_id is not None or admitted.claim is not None:
        beside = partial(_send_beside, admitted, timed, outcome, note, is_spent=is_spent)
    return Ending(admitted.call, timed, _row(admitted.call, admitted.facts, timed), beside)


def _send_beside(
    admitted: Admitted, result: Result, outcome: Outcome, note: str, p: Pipe, *, is_spent: bool
) -> None:
    call, reserved = admitted.call, admitted.reservation_id
    whose: Mapping[str, Any] = {"project_id": call.project_id, "actor": call.actor}
    if reserved is not None and is_spent:
        price = effects.cost(admitted.entry.contract)
        budget.send_settle(p, reserved, usd=price, tokens=0, **whose)
    elif reserved is not None:
        budget.send_release(p, reserved, **whose)
    if admitted.claim is not None:
        effects.send_end(
            p, admitted.effect, outcome, code=result.code, note=note, is_unsent=not is_spent
        )


def _write_of(project_id: str, endings: Mapping[int, Ending]) -> dict[int, Unavailable | None]:
    try:
        _commit(project_id, list(endings.values()))
    except (psycopg.Error, DatabaseError) as reason:
        if len(endings) == 1:
            return {place: _unrecorded(each.call, reason) for place, each in endings.items()}
    else:
        return {}
    alone: dict[int, Unavailable | None] = {}
    for place, each in endings.items():
        alone |= _write_of(project_id, {place: each})
    return alone


def _commit(project_id: str, endings: Sequence[Ending]) -> None:
    rows = [each.row for each in endings if each.row is not None]
    beside = [each.beside for each in endings if each.beside is not None]
    if not beside:
        journal.commit(project_id, rows)
        return
    with pipe() as p, p.tenant_tx(project_id):
        journal.send(p, rows)
        for send in beside:
            send(p)


def _row(call: Call, known: Facts, result: Result) -> dict[str, Any]:
    entry = known.entry if known.scopes else None
    kept = results.kept(call.arguments, known.policies, known.leaving)
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
