"""Writing evidence, inside the transaction of the act itself: no row, no act."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from awooop.audit import pseudonyms
from awooop.audit.acts import Act, Outcome
from awooop.audit.chain import Event
from awooop.errors import Code, Unavailable
from awooop.kit import ids
from awooop.kit.db import Pipe, as_platform, in_tx
from awooop.kit.redaction import redact
from awooop.kit.tenancy import PLATFORM

_MOST_FACTS = 16_000  # characters of JSON
_SAFE_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond it, readers of JSON differ

_MOST_REMEMBERED = 10_000
_harmless: set[str] = set()
_spell = json.JSONEncoder(ensure_ascii=False).encode

WRITE = """
INSERT INTO awooop_audit_event
       (project_id, event_id, act, actor, target_type, target, outcome, code, run_id, facts,
        content_sha256)
VALUES (%(project_id)s, %(event_id)s, %(act)s, %(actor)s, %(target_type)s, %(target)s,
        %(outcome)s, %(code)s, %(run_id)s, %(facts)s::jsonb, %(content_sha256)s)
"""


@in_tx
def record(
    project_id: str,
    act: Act,
    *,
    actor: str,
    target: tuple[str, str],
    outcome: Outcome = Outcome.SUCCESS,
    code: Code | None = None,
    run_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    identifying: Mapping[str, str] | None = None,
) -> None:
    """Write the evidence of an act, in the caller's transaction and the act's own chain.

    Call it last: the chain is held from here to the commit.

    :param project_id: the transaction's tenant, or :data:`awooop.kit.tenancy.PLATFORM`.
    :param target: its type and its name.
    :param facts: what else an auditor must know; redacted here.
    :param identifying: values that tell who a person is; only their pseudonyms are kept.
    :raises Unavailable: it cannot be written; the transaction is lost, and the act with it.
    """
    event = made(
        project_id,
        act,
        actor=actor,
        target=target,
        outcome=outcome,
        code=code,
        run_id=run_id,
        facts=facts,
        identifying=identifying,
    )
    try:
        if project_id == PLATFORM:
            with as_platform():
                _insert(event)
        else:
            _insert(event)
    except DatabaseError as reason:
        raise Unavailable(Code.AUDIT_UNWRITABLE, act=act.value) from reason


def send(p: Pipe, event: Event) -> None:
    """Queue the evidence of an act in the pipe's open transaction of the event's tenant."""
    p.send(WRITE, params(event))


def made(
    project_id: str,
    act: Act,
    *,
    actor: str,
    target: tuple[str, str],
    outcome: Outcome = Outcome.SUCCESS,
    code: Code | None = None,
    run_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    identifying: Mapping[str, str] | None = None,
) -> Event:
    """Return the event that :func:`record` would write, redacted."""
    names = {name: pseudonyms.of(value) for name, value in (identifying or {}).items() if value}
    target_type, target_name = target
    return Event(
        project_id=project_id,
        event_id=ids.new_id(),
        act=act.value,
        actor=_text(actor)[:200],
        target_type=target_type,
        target=_text(target_name)[:300],
        outcome=outcome.value,
        code=code.value if code else None,
        run_id=run_id,
        facts=_bounded({**(facts or {}), **names}),
    )


def _insert(event: Event) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(WRITE, params(event))


def params(event: Event) -> dict[str, Any]:
    """Return the parameters of :data:`WRITE`."""
    return {
        "project_id": event.project_id,
        "event_id": event.event_id,
        "act": event.act,
        "actor": event.actor,
        "target_type": event.target_type,
        "target": event.target,
        "outcome": event.outcome,
        "code": event.code,
        "run_id": event.run_id,
        "facts": _spell(event.facts),
        "content_sha256": event.content_sha256(),
    }


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = redact(_plain(facts))
    size = len(_spell(plain))
    return plain if size <= _MOST_FACTS else {"omitted_characters": size}


def _plain(value: Any) -> Any:
    """Return a value as JSON that every reader spells alike."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) <= _SAFE_INTEGER else str(value)
        case Mapping():
            return {_spelled(str(name)): _plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return _spelled(str(value))


def _text(value: str) -> str:
    """Return a text redacted. Actors come again and again: what holds no secret is remembered."""
    if value in _harmless:
        return value
    text: str = redact(_spelled(value))
    if text == value:
        if len(_harmless) >= _MOST_REMEMBERED:
            _harmless.clear()
        _harmless.add(value)
    return text


def _spelled(text: str) -> str:
    """Return a text that JSON and the database can hold: no NUL, no lone surrogate."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
