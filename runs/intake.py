"""How an event becomes a run: once, whatever the network does.

The run and its idempotency key are written by one statement. Valkey may say that an event was seen
before; PostgreSQL is asked either way, and only its answer counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from awooop.errors import Code, Conflict, Invalid
from awooop.kit import canonical, ids, redaction, redis
from awooop.kit.db import Pipe, pipe
from awooop.ledger import admission
from awooop.ledger.admission import Spent
from awooop.ledger.models import Level, Period
from runs.fsm import State
from runs.models import Trigger

_SEEN_SECONDS = 86_400

_CREATE = f"""
WITH spent AS MATERIALIZED ({admission.SPENT}),
keyed AS (
  INSERT INTO awooop_run_idempotency
         (project_id, channel_type, provider_event_id, run_id, payload_sha256, created_at)
  SELECT %(project_id)s, %(channel_type)s, %(provider_event_id)s::text, %(run_id)s,
         %(payload_sha256)s, clock_timestamp()
   WHERE %(provider_event_id)s::text IS NOT NULL AND NOT EXISTS (SELECT FROM spent)
  ON CONFLICT DO NOTHING
  RETURNING run_id
), made AS (
INSERT INTO awooop_run_state
       (run_id, project_id, agent_id, state, version, is_shadow, trace_id, trigger_type,
        trigger_ref, parent_run_id, policy_revision_id, input, input_sha256, attempt_count,
        max_attempts, step_count, cost_usd, lease_epoch, created_at, timeout_at)
SELECT %(run_id)s, %(project_id)s, %(agent_id)s, 'pending', 1, %(is_shadow)s, %(trace_id)s,
       %(trigger_type)s, %(trigger_ref)s, %(parent_run_id)s, %(policy_revision_id)s,
       %(input)s::jsonb, %(input_sha256)s, 0, %(max_attempts)s, 0, 0, 0, clock_timestamp(),
       clock_timestamp() + make_interval(secs => %(timeout_seconds)s)
 WHERE CASE WHEN %(provider_event_id)s::text IS NULL THEN NOT EXISTS (SELECT FROM spent)
            ELSE EXISTS (SELECT FROM keyed) END
RETURNING run_id, state, is_shadow, trace_id)
SELECT made.*, spent.* FROM (VALUES (1)) AS one LEFT JOIN made ON true LEFT JOIN spent ON true
"""

_FIRST = """
SELECT r.run_id, r.state, r.is_shadow, r.trace_id, k.payload_sha256
  FROM awooop_run_idempotency k JOIN awooop_run_state r USING (project_id, run_id)
 WHERE k.project_id = %s AND k.channel_type = %s AND k.provider_event_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a caller wants run.

    :param input: a JSON object; its RFC 8785 form is hashed into ``input_sha256``, and it is kept
        without its secrets.
    :param provider_event_id: an id that holds a secret is kept as a keyed hash.
    :param payload_sha256: what makes two deliveries of one event "the same"; the input's hash
        unless the channel knows better.
    :param max_attempts: how many workers may be lost over the run. A lost worker costs every run of
        its batch one, so the number is generous; the timeout bounds the rest.
    :param timeout_seconds: from creation; time spent waiting for a human is not counted.
    """

    project_id: str
    agent_id: str
    is_shadow: bool
    trigger_type: Trigger
    trigger_ref: str = ""
    input: Mapping[str, Any]
    channel_type: str | None = None
    provider_event_id: str | None = None
    payload_sha256: str | None = None
    traceparent: str | None = None
    parent_run_id: UUID | None = None
    policy_revision_id: UUID | None = None
    timeout_seconds: int = 600
    max_attempts: int = 10


@dataclass(frozen=True, slots=True)
class Receipt:
    """The run that stands for an event."""

    run_id: UUID
    is_duplicate: bool
    state: State
    is_shadow: bool
    trace_id: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order with everything worked out that needs no database."""

    order: Order
    params: dict[str, Any]
    payload_sha256: str


def prepare(order: Order) -> Prepared:
    """Work out the hashes and ids of an order.

    :raises Invalid: the input has no canonical JSON.
    """
    sent, event = dict(order.input), order.provider_event_id
    try:
        spelled = canonical.canonical(sent)
    except canonical.NotCanonical as reason:
        raise Invalid(
            Code.BODY_INVALID, f"the input has no canonical JSON (RFC 8785): {reason}"
        ) from None
    input_sha256 = canonical.sha256_of_bytes(spelled)
    kept: Any = redaction.redact(sent)
    if kept != sent:
        spelled = canonical.canonical(kept if isinstance(kept, dict) else {"unread": kept})
    payload_sha256 = order.payload_sha256 or input_sha256
    params = {
        "run_id": ids.new_id(),
        "project_id": order.project_id,
        "agent_id": order.agent_id,
        "is_shadow": order.is_shadow,
        "trace_id": ids.trace_id(order.traceparent),
        "trigger_type": order.trigger_type.value,
        "trigger_ref": redaction.excerpt(order.trigger_ref, 300),
        "parent_run_id": order.parent_run_id,
        "policy_revision_id": order.policy_revision_id,
        "input": spelled.decode(),
        "input_sha256": input_sha256,
        "payload_sha256": payload_sha256,
        "max_attempts": order.max_attempts,
        "timeout_seconds": order.timeout_seconds,
        "channel_type": order.channel_type or "api",
        "provider_event_id": None if event is None else redaction.identity(event, 300),
    }
    return Prepared(order, params, payload_sha256)


def seen(prepared: Prepared) -> Receipt | None:
    """Return the run that stands for an event already, when Valkey thinks there is one.

    Reads in its own transaction; PostgreSQL alone is believed.

    :raises Conflict: the event id stands for another payload.
    """
    if not _probably_seen(prepared):
        return None
    with pipe() as p, p.tenant_tx(prepared.order.project_id):
        found = p.send(_FIRST, _event(prepared))
    return _receipt(prepared, found.fetchone())


def create(p: Pipe, prepared: Prepared) -> Receipt | Spent:
    """Create the run of an event, or return the one that stands for it already.

    Runs inside the pipe's open transaction of the order's tenant. When the budget of the period is
    spent nothing is written, and the answer says whose; an event that has its run keeps it.

    :raises Conflict: the event id stands for another payload.
    """
    row = p.send(_CREATE, prepared.params).fetchone()
    run_id, state, is_shadow, trace_id, level, period, wait = row or [None] * 7
    if run_id is not None:
        return Receipt(run_id, False, State(state), is_shadow, trace_id)
    first = _receipt(prepared, p.send(_FIRST, _event(prepared)).fetchone())
    if first is not None:
        return first
    if level is None:  # pragma: no cover - keys are never deleted
        raise psycopg.OperationalError("the idempotency key vanished")
    return Spent(Level(level), Period(period), wait)


def _event(prepared: Prepared) -> list[Any]:
    names = ("project_id", "channel_type", "provider_event_id")
    return [prepared.params[name] for name in names]


def _receipt(prepared: Prepared, row: tuple[Any, ...] | None) -> Receipt | None:
    if row is None:
        return None
    run_id, state, is_shadow, trace_id, payload_sha256 = row
    if payload_sha256 != prepared.payload_sha256:
        raise Conflict(Code.RUN_EVENT_REUSED, run_id=str(run_id))
    return Receipt(run_id, True, State(state), is_shadow, trace_id)


def _probably_seen(prepared: Prepared) -> bool:
    """Tell Valkey of this event, and ask whether it came before, in one question.

    The answer is a hint: it names a run that may never have been committed. A wrong one costs time,
    never truth.
    """
    if prepared.params["provider_event_id"] is None:
        return False
    name, value = _seen_key(prepared), str(prepared.params["run_id"])
    before = redis.ask(lambda server: server.set(name, value, nx=True, get=True, ex=_SEEN_SECONDS))
    return before is not None


def _seen_key(prepared: Prepared) -> str:
    project_id, channel_type, event = _event(prepared)
    return redis.key("idem", project_id, ids.digest(f"{channel_type}\n{event}"))
