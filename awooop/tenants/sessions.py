"""Who signed in, and from where: evidence without which nobody is signed in."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.kit import db
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.models import Operator


def record_sign_in(*, request: HttpRequest, user: Operator, **_: Any) -> None:
    """Record that a person signed in; the address is kept as a pseudonym.

    :raises Unavailable: it cannot be recorded, and so the session is not kept.
    """
    name = user.get_username()
    with db.joined_tx():
        sink.record(
            PLATFORM,
            Act.SIGNED_IN,
            actor=f"operator:{name}",
            target=("operator", name),
            identifying={"address": request.META.get("REMOTE_ADDR", "")},
        )
        user.last_login = timezone.now()
        user.save(update_fields=["last_login"])
