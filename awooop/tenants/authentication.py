"""Who is asking a REST door: an API key, an operator's token, or a signed-in session."""

from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from awooop.errors import Code, Refused, Unauthenticated
from awooop.tenants import access, keys
from awooop.tenants.keys import KeyHolder
from awooop.tenants.models import Operator

Principal = KeyHolder | Operator


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:  # type: ignore[override]
        return reason


class Bearer(BaseAuthentication):
    """``Authorization: Bearer awp.…`` for agents, ``Bearer awo.…`` for operators' scripts."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        """Return who sent the token, or None when there is none.

        :raises Unauthenticated: there is one and it is not valid.
        """
        header = request.headers.get("Authorization")
        if header is None:
            return None
        kind, _, credential = header.partition(" ")
        credential = credential.strip()
        if kind.lower() != "bearer":
            raise Unauthenticated(Code.AUTH_MISSING)
        if credential.startswith(access.TOKEN_PREFIX):
            return access.token_holder(credential, at=timezone.now()), "token"
        return keys.holder(credential), "key"

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="awooop"'


class Session(BaseAuthentication):
    """A person signed in to the console; writes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Operator, str] | None:
        """Return who is signed in, or None.

        :raises Refused: the CSRF check failed.
        """
        person = getattr(request._request, "user", None)
        if not isinstance(person, Operator) or not person.is_active:
            return None
        check = _Csrf(lambda _: None)  # type: ignore[arg-type, return-value]
        check.process_request(request._request)
        if check.process_view(request._request, None, (), {}):  # type: ignore[arg-type]
            raise Refused(Code.AUTH_CSRF)
        return person, "session"


def person_or_key(request: Request) -> Principal:
    """Return the authenticated principal.

    :raises Unauthenticated: there is none.
    """
    if isinstance(request.user, KeyHolder | Operator):
        return request.user
    raise Unauthenticated(Code.AUTH_MISSING)


def key_with(request: Request, scope: str) -> KeyHolder:
    """Return the API key that asks, when it has the scope.

    :raises Unauthenticated: no key was sent.
    :raises Refused: the key lacks the scope.
    """
    principal = person_or_key(request)
    if not isinstance(principal, KeyHolder):
        raise Refused(Code.AUTH_FORBIDDEN, "this door takes an API key")
    if scope not in principal.scopes:
        raise Refused(Code.AUTH_FORBIDDEN, f"this key lacks the scope {scope}", scope=scope)
    return principal


def actor_name(principal: Any) -> str:
    """Return how journals name who acts.

    :param principal: who was authenticated, or the person of a console's request.
    """
    if isinstance(principal, KeyHolder):
        return principal.name
    return f"operator:{principal.get_username()}"
