"""What came in: the sender known, the event mirrored, its run created, all or nothing."""

from uuid import UUID

from awooop.errors import Code, Invalid
from awooop.kit import ids, redaction
from awooop.kit.db import Pipe, pipe
from awooop.ledger.admission import Spent
from awooop.tenants.keys import KeyHolder
from channels_hub.envelope import Inbound
from runs import intake, orders
from runs.intake import Order, Receipt
from runs.models import Trigger

_ROUTE = "SELECT agent_id FROM awooop_channel WHERE channel_type = %s AND is_active"

# Seen at most once a second: a storm of events from one sender is not a storm of updates.
_SUBJECT = """
INSERT INTO awooop_platform_subjects AS s
       (platform_subject_id, project_id, channel_type, channel_user_id, channel_chat_id,
        display_name, roles, first_seen_at, last_seen_at)
VALUES (%(subject)s, %(project_id)s, %(channel_type)s, %(user_id)s, %(chat_id)s, %(name)s,
        ARRAY['viewer'], clock_timestamp(), clock_timestamp())
ON CONFLICT (platform_subject_id, project_id) DO UPDATE
   SET last_seen_at = EXCLUDED.last_seen_at,
       channel_chat_id = COALESCE(EXCLUDED.channel_chat_id, s.channel_chat_id),
       display_name = COALESCE(EXCLUDED.display_name, s.display_name)
 WHERE s.last_seen_at < clock_timestamp() - interval '1 second'
"""

# Received when its transaction began: before the run that it caused.
_MIRROR = """
INSERT INTO awooop_conversation_event
       (event_id, project_id, run_id, channel_type, provider_event_id, channel_chat_id,
        platform_subject_id, content_preview, is_duplicate, received_at)
VALUES (%(event_id)s, %(project_id)s, %(run_id)s, %(channel_type)s, %(provider_event_id)s,
        %(chat_id)s, %(subject)s, %(preview)s, %(is_duplicate)s, now())
"""


def receive(holder: KeyHolder, event: Inbound, *, traceparent: str | None) -> Receipt:
    """Turn one delivery into its run, or find the run it already has.

    Opens and commits its own transaction.

    :raises Refused: the project is legacy or switched off.
    :raises Invalid: no agent handles the channel, or the agent has no contract.
    :raises Conflict: the event id stands for another event.
    :raises Exhausted: the budget of the day or month is spent; the event is mirrored nevertheless.
    """
    is_shadow = orders.shadow_of(mode=holder.mode, is_active=holder.is_active)
    event_id = ids.new_id()
    with pipe() as p, p.tenant_tx(holder.project_id):
        routed = p.send(_ROUTE, [event.channel_type])
    route = routed.fetchone()
    if route is None:
        raise Invalid(Code.CHANNEL_UNROUTED, f"no agent handles {event.channel_type}")
    order = Order(
        project_id=holder.project_id,
        agent_id=route[0],
        is_shadow=is_shadow,
        trigger_type=Trigger.CHANNEL_EVENT,
        trigger_ref=str(event_id),
        input=event.payload,
        channel_type=event.channel_type,
        provider_event_id=event.provider_event_id,
        payload_sha256=event.identity_sha256,
        traceparent=traceparent,
    )
    orders.refuse_unknown_agent(order.project_id, order.agent_id)
    prepared = intake.prepare(order)
    receipt = intake.seen(prepared)
    with pipe() as p, p.tenant_tx(holder.project_id):
        outcome = receipt or intake.create(p, prepared)
        _mirror(p, holder.project_id, event, event_id, outcome)
    return orders.admitted(outcome)


def _mirror(
    p: Pipe, project_id: str, event: Inbound, event_id: UUID, outcome: Receipt | Spent
) -> None:
    receipt = outcome if isinstance(outcome, Receipt) else None
    user_id, chat_id = redaction.identity(event.channel_user_id, 300), event.channel_chat_id
    params = {
        "subject": f"{project_id}:{event.channel_type}:{user_id}",
        "project_id": project_id,
        "channel_type": event.channel_type,
        "user_id": user_id,
        "chat_id": chat_id and redaction.identity(chat_id, 300),
        "name": event.display_name and redaction.excerpt(event.display_name, 300),
        "event_id": event_id,
        "run_id": receipt and receipt.run_id,
        "provider_event_id": redaction.identity(event.provider_event_id, 300),
        "preview": redaction.excerpt(event.preview, 500),
        "is_duplicate": receipt is not None and receipt.is_duplicate,
    }
    p.send(_SUBJECT, params)
    p.send(_MIRROR, params)
