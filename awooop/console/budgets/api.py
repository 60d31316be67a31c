"""The REST doors of budgets: where the money stands, and the limits an admin sets."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.console.budgets import bodies, telling
from awooop.errors import Code, NotFound, Refused
from awooop.kit import openapi, rest
from awooop.kit.db import Scope, pipe, tenant_tx
from awooop.ledger import limits, queries
from awooop.ledger.models import Level, Period
from awooop.tenants import access
from awooop.tenants.authentication import Principal, actor_name, person_or_key
from awooop.tenants.doors import Door, reading, seen_by
from awooop.tenants.keys import KeyHolder
from awooop.tenants.models import PROJECT_ID, Role

_PER_PAGE = openapi.PER_PAGE
_CURSOR = OpenApiParameter("cursor", str, description="from the previous page's next")
_WHERE = [
    OpenApiParameter("scope", str, enum=Level.values, required=True),
    OpenApiParameter("period", str, enum=Period.values, required=True),
    OpenApiParameter("agent_id", str),
]
_LIMIT = {"scope": "agent", "agent_id": "sre-agent", "period": "day"}


class BudgetsDoor(Door):
    """``/v1/platform/budgets``"""

    @extend_schema(
        operation_id="list_budgets",
        parameters=[OpenApiParameter("project_id", str), _PER_PAGE, _CURSOR],
        responses=bodies.BudgetPage,
    )
    def get(self, request: Request) -> Response:
        """List the present day and month of each project that may be seen, by name."""
        principal = person_or_key(request)
        asked = rest.read(bodies.ProjectsAsked, request.query_params.dict())
        with pipe() as p, reading(p, principal, seen_by(principal, asked.project_id)):
            pairs, more = queries.standings(
                p, after=asked.cursor, project_id=asked.project_id, per_page=asked.per_page
            )
        return Response(
            {"budgets": list(map(telling.project, pairs)), "next": _next(request, more)}
        )


class BudgetDoor(Door):
    """``/v1/platform/budgets/{project_id}``"""

    @extend_schema(operation_id="get_budget", responses=bodies.BudgetReport)
    def get(self, request: Request, project_id: str) -> Response:
        """Tell where a project's money stands: day, month, agents, 31 days, alerts."""
        principal = person_or_key(request)
        rest.read(bodies.Nothing, request.query_params.dict())
        with pipe() as p, reading(p, principal, _scope(principal, project_id)):
            found = queries.report(p, project_id)
            pairs, _ = queries.standings(p, project_id=project_id)
        return Response(telling.report(_known(project_id, pairs), found))


class LimitsDoor(Door):
    """``/v1/platform/budgets/{project_id}/limits``"""

    @extend_schema(
        operation_id="list_budget_limits",
        parameters=[_PER_PAGE, _CURSOR],
        responses=bodies.LimitPage,
    )
    def get(self, request: Request, project_id: str) -> Response:
        """List a project's limits with what was counted against them."""
        principal = person_or_key(request)
        asked = rest.read(bodies.LimitsAsked, request.query_params.dict())
        with pipe() as p, reading(p, principal, _scope(principal, project_id)):
            pairs, _ = queries.standings(p, project_id=project_id)
            rows, last = queries.limit_page(
                p, project_id, after=asked.after(), per_page=asked.per_page
            )
        _known(project_id, pairs)
        more = last and bodies.limit_cursor(*last)
        return Response({"limits": telling.limit_rows(rows), "next": _next(request, more)})

    @extend_schema(
        operation_id="set_budget_limit",
        request=bodies.PutLimit,
        responses=bodies.Changed,
        examples=[
            OpenApiExample(
                "Five dollars a day for one agent",
                request_only=True,
                value={**_LIMIT, "limit_usd": "5.00", "limit_tokens": 2_000_000},
            ),
            OpenApiExample(
                "What it changed",
                response_only=True,
                value={
                    "project_id": "acme",
                    **_LIMIT,
                    "was": None,
                    "now": {"limit_usd": "5", "limit_tokens": 2_000_000},
                },
            ),
        ],
    )
    def put(self, request: Request, project_id: str) -> Response:
        """Set a limit, in place of any that stands there. Takes the role admin."""
        principal = person_or_key(request)
        body = rest.read(bodies.PutLimit, request.data)
        _refuse_but_admins(principal, project_id)
        place, limit = body.place(), body.limit()
        with tenant_tx(project_id):
            was = limits.put(
                project_id, place, limit, actor=actor_name(principal), at=timezone.now()
            )
        return Response(telling.change(project_id, place, was=was, now=limit))

    @extend_schema(
        operation_id="clear_budget_limit", parameters=_WHERE, responses={200: bodies.Changed}
    )
    def delete(self, request: Request, project_id: str) -> Response:
        """Clear a limit; none there is no fault. Takes the role admin."""
        principal = person_or_key(request)
        place = rest.read(bodies.Where, request.query_params.dict()).place()
        _refuse_but_admins(principal, project_id)
        with tenant_tx(project_id):
            was = limits.clear(project_id, place, actor=actor_name(principal))
        return Response(telling.change(project_id, place, was=was, now=None))


class EntriesDoor(Door):
    """``/v1/platform/budgets/{project_id}/entries``"""

    @extend_schema(
        operation_id="list_budget_entries",
        parameters=[_PER_PAGE, _CURSOR],
        responses=bodies.EntryPage,
    )
    def get(self, request: Request, project_id: str) -> Response:
        """List a project's ledger, newest first."""
        principal = person_or_key(request)
        asked = rest.read(bodies.EntriesAsked, request.query_params.dict())
        with pipe() as p, reading(p, principal, _scope(principal, project_id)):
            pairs, _ = queries.standings(p, project_id=project_id)
            page = queries.page(p, project_id, older_than=asked.cursor, per_page=asked.per_page)
        _known(project_id, pairs)
        more = str(page.older) if page.older else None
        return Response({"entries": telling.entries(page), "next": _next(request, more)})


def _scope(principal: Principal, project_id: str) -> Scope:
    if PROJECT_ID.fullmatch(project_id) is None:
        raise NotFound(Code.TENANT_UNKNOWN)
    return seen_by(principal, project_id)


def _known(project_id: str, pairs: list[queries.Rows]) -> queries.Rows:
    if not pairs:
        raise NotFound(Code.TENANT_UNKNOWN)
    return pairs[0]


def _refuse_but_admins(principal: Principal, project_id: str) -> None:
    """Let only admins of the project go on; a key sets no limit, not even its own project's.

    :raises NotFound: another's project; it looks like a missing one.
    :raises Refused: seen but not allowed.
    """
    if PROJECT_ID.fullmatch(project_id) is None:
        raise NotFound(Code.TENANT_UNKNOWN)
    if not isinstance(principal, KeyHolder):
        access.refuse_below(principal, project_id, Role.ADMIN, missing=Code.TENANT_UNKNOWN)
        return
    if principal.project_id != project_id:
        raise NotFound(Code.TENANT_UNKNOWN)
    raise Refused(Code.AUTH_FORBIDDEN, "limits are set by people with the role admin")


def _next(request: Request, cursor: Any) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
