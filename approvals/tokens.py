"""The tickets that a yes is worth: issued for one action, read by whoever must believe them."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from approvals.models import Approval
from awooop.errors import Code, Refused
from awooop.kit import ids, tickets
from awooop.kit.tickets import Unfit
from gateway import grants

SECONDS = tickets.LONGEST_SECONDS
_BOUND = ("project", "agent", "tool", "action", "run", "mode")


def new_id() -> str:
    """Return the id of a ticket; what was approved is done once under it, however often signed."""
    return ids.new_id().hex


def issue(approval: Approval, *, at: datetime, ticket_id: str | None = None) -> str:
    """Return a ticket for exactly the approved action.

    :param ticket_id: of a further ticket, after one that was burned and opened nothing.
    :raises Refused: nobody has approved it.
    """
    if not approval.ticket_id:
        raise Refused(Code.APPROVAL_TICKET, "nobody has said yes")
    born = int(at.timestamp())
    bound = grants.bound(
        project_id=approval.project_id,
        agent_id=approval.agent_id,
        tool=approval.tool_name,
        action=approval.action_sha256,
        run_id=approval.run_id,
        mode="live",
    )
    return tickets.sign(
        {
            "aud": grants.AUDIENCE,
            "sub": str(approval.approval_id),
            "jti": ticket_id or approval.ticket_id,
            "iat": born,
            "exp": born + SECONDS,
            **bound,
        }
    )


def read(token: str, **expected: Any) -> dict[str, Any]:
    """Return the claims of a valid ticket that says what is expected of it.

    :param expected: any of ``project agent tool action run mode jti sub``, and ``at``, the moment
        to judge by; now when it is not given.
    :raises Refused: it is not valid, or for something else.
    """
    at = expected.pop("at", None) or timezone.now()
    try:
        said = tickets.peek(token)
        bound = {name: said.get(name) for name in _BOUND} | {
            name: str(value) for name, value in expected.items() if name in _BOUND
        }
        if any(type(value) is not str for value in bound.values()):
            raise Unfit("it does not say what a ticket says")
        claims = tickets.read(token, audience=grants.AUDIENCE, at=at, bound=bound)
        for name, value in expected.items():
            if name not in claims or claims[name] != str(value):
                raise Unfit(f"it is for another {name}")
    except Unfit as reason:
        raise Refused(Code.APPROVAL_TICKET, str(reason)) from None
    return claims
