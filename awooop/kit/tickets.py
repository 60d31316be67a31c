"""Tickets: short-lived signed texts (JWT, HS256) that say what exactly may be done once.

Read by our own rules on top of PyJWT's, whose usual call believes too much (RFC 8725): one
algorithm, one type, one spelling, exactly the claims that belong there, and a short life.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings

from awooop.kit import keyring

ISSUER = "awooop"
TYPE = "awooop-ticket+jwt"
LONGEST_SECONDS = 900
_LONGEST_TEXT = 4_096
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_STANDARD = frozenset({"iss", "aud", "sub", "jti", "iat", "exp"})


class Unfit(ValueError):
    """The text is no ticket of ours, or not one for this; the reason is for journals."""


def sign(claims: Mapping[str, Any]) -> str:
    """Return a ticket.

    :param claims: ``aud sub jti iat exp`` and whatever else the reader asks for.
    """
    key_id, key = next(iter(_keys().items()))
    headers = {"kid": key_id, "typ": TYPE}
    return jwt.encode({**claims, "iss": ISSUER}, key, algorithm="HS256", headers=headers)


def read(ticket: str, *, audience: str, at: datetime, bound: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of a ticket that is valid now and bound to exactly this.

    :param bound: every claim besides the standard ones, with the value it must have.
    :raises Unfit: anything else.
    """
    header, claims = _spelled(ticket)
    if set(header) != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != ("HS256", TYPE):
        raise Unfit("its header is not one of ours")
    key = _keys().get(header["kid"]) if isinstance(header["kid"], str) else None
    if key is None:
        raise Unfit("its key is not one of ours")
    try:
        jwt.decode(
            ticket,
            key,
            algorithms=["HS256"],
            audience=audience,
            issuer=ISSUER,
            options={"verify_exp": False, "verify_iat": False, "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError) as reason:
        raise Unfit(f"it is not valid: {type(reason).__name__}") from None
    _require_life(claims, at)
    if set(claims) != _STANDARD | set(bound):
        raise Unfit("it does not say what a ticket says")
    for name, value in bound.items():
        if type(claims[name]) is not type(value) or claims[name] != value:
            raise Unfit(f"it is for another {name}")
    return claims


def peek(ticket: str) -> dict[str, Any]:
    """Return what a text claims, which nobody may believe before :func:`read` has.

    :raises Unfit: it is not spelled as a ticket.
    """
    return _spelled(ticket)[1]


def _require_life(claims: Mapping[str, Any], at: datetime) -> None:
    born, ends = claims.get("iat"), claims.get("exp")
    if type(born) is not int or type(ends) is not int:
        raise Unfit("it does not say how long it lives")
    if not 0 < ends - born <= LONGEST_SECONDS:
        raise Unfit("it claims too long a life")
    if not born <= at.timestamp() < ends:
        raise Unfit("its time is over or has not come")
    names = (claims.get("sub"), claims.get("jti"))
    if not all(isinstance(name, str) and _ID.fullmatch(name) for name in names):
        raise Unfit("it names nothing")


def _spelled(ticket: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a text that is spelled in the one way we spell it."""
    if not isinstance(ticket, str) or len(ticket) > _LONGEST_TEXT or ticket.count(".") != 2:
        raise Unfit("it is not spelled as a ticket")
    head, body, mac = ticket.split(".")
    _bytes(mac)
    return _object(head), _object(body)


def _bytes(part: str) -> bytes:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unfit("it is not spelled as a ticket") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise Unfit("it is spelled in two ways")
    return raw


def _object(part: str) -> dict[str, Any]:
    raw = _bytes(part)
    try:
        value = json.loads(raw, object_pairs_hook=_once)
        again = json.dumps(value, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise Unfit("it is not spelled as a ticket") from None
    if not isinstance(value, dict):
        raise Unfit("it is not spelled as a ticket")
    if again != raw:
        raise Unfit("it is spelled in two ways")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _keys() -> Mapping[str, bytes]:
    return keyring.read(settings.TICKET_KEYS, secret=settings.SECRET_KEY, purpose="tickets")
