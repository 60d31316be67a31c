"""What every REST door of ours shares: who asks, how often, and what they may see."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from awooop.errors import Code, Invalid, NotFound, Refused
from awooop.kit import throttle
from awooop.kit.db import Pipe, Scope
from awooop.tenants import access
from awooop.tenants.authentication import Bearer, Principal, Session, person_or_key
from awooop.tenants.keys import KeyHolder
from awooop.tenants.models import KeyScope, Role


class Door(APIView):
    """A door that asks for a credential and counts how often it is used."""

    authentication_classes = (Bearer, Session)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate and throttle before the method runs.

        :raises Unauthenticated: nobody we know.
        :raises Exhausted: too often.
        :raises Invalid: the query holds what no row can hold.
        """
        address = request.META.get("REMOTE_ADDR", "")
        try:
            principal = person_or_key(request)
        except Exception:
            throttle.spend("anon", address, limit=settings.THROTTLE_ANONYMOUS_PER_MINUTE)
            raise
        if isinstance(principal, KeyHolder):
            caller, limit = str(principal.key_id), settings.THROTTLE_KEY_PER_MINUTE
        else:
            caller, limit = str(principal.pk), settings.THROTTLE_OPERATOR_PER_MINUTE
        throttle.spend("door", caller, limit=limit)
        if "%00" in request.META.get("QUERY_STRING", ""):  # no row can hold it
            raise Invalid(Code.BODY_INVALID, "a query may not hold the NUL character")
        super().initial(request, *args, **kwargs)

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Refuse a method this path does not take, naming those it does."""
        raise Invalid(Code.METHOD_UNKNOWN, allow=", ".join(self.allowed_methods))


def seen_by(
    principal: Principal, project_id: str | None = None, *, needs: KeyScope = KeyScope.RUNS
) -> Scope:
    """Return the projects a principal may read, cut to one when one is asked for.

    :raises Refused: the key lacks the scope it needs.
    """
    if isinstance(principal, KeyHolder):
        if needs not in principal.scopes:
            told = f"this key lacks the scope {needs.value}"
            raise Refused(Code.AUTH_FORBIDDEN, told, scope=needs.value)
        return access.narrowed(frozenset({principal.project_id}), project_id)
    return access.narrowed(access.scope_of(principal), project_id)


@contextmanager
def reading(p: Pipe, principal: Principal, scope: Scope) -> Iterator[None]:
    """Open the read transaction that fits who asks: the tenant's own, or the operator's."""
    if isinstance(principal, KeyHolder):
        with p.tenant_tx(principal.project_id):
            yield
    else:
        with p.operator_tx(scope):
            yield


def may_act(principal: Principal, project_id: str, role: Role) -> None:
    """Let a key of this project, or a person with this role in it, go on.

    :raises NotFound: another project's; it looks like a missing one.
    :raises Refused: seen but not allowed.
    """
    if isinstance(principal, KeyHolder):
        if principal.project_id != project_id:
            raise NotFound(Code.RUN_UNKNOWN)
        seen_by(principal)
        return
    access.refuse_below(principal, project_id, role)
