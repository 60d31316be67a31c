"""The REST doors of approvals, for people and their tokens: list, read, decide, edit, agreement."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from approvals import agreement, bodies, decisions, edits, queries, tasks
from approvals.models import Risk, Standing
from approvals.queries import Filters, Place
from awooop.errors import Code, NotFound, Refused
from awooop.kit import openapi, rest
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name, person_or_key
from awooop.tenants.doors import Door
from awooop.tenants.models import Operator, Role
from runs.fsm import State

_APPROVAL = "0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a"
_RUN = "0199d3a1-7c51-7f0a-8d02-5f1e2d3c4b5a"
_ACTION = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TOLD = {
    "approval_id": _APPROVAL,
    "project_id": "acme",
    "run_id": _RUN,
    "agent_id": "sre-agent",
    "gateway_id": "cluster",
    "tool_name": "restart_deployment__cluster",
    "environment": "production",
    "arguments": {"name": "shop-web"},
    "action_sha256": _ACTION,
    "title": "sre-agent: restart_deployment__cluster",
    "description": "Restarts a deployment.",
    "risk": "high",
    "required_signatures": 2,
    "votes": 1,
    "requested_by": "key:sre",
    "blast_radius": {"scope": "write", "why": "the verb restart"},
    "incident_id": None,
    "playbook_id": None,
    "standing": "pending",
    "disposition": "",
    "decided_by": None,
    "reason": "",
    "is_edited": False,
    "created_at": "2026-01-01T10:00:00Z",
    "expires_at": "2026-01-02T10:00:00Z",
    "decided_at": None,
    "ended_at": None,
}
_DETAIL = {
    **_TOLD,
    "signatures": [
        {
            "signer": "operator:ann",
            "is_yes": True,
            "comment": "Seen on call.",
            "at": "2026-01-01T10:02:00Z",
        }
    ],
    "requester_may_approve": False,
    "also_asked_by": ["operator:bob"],
    "ticket_id": None,
    "edited_from": None,
    "changes": None,
    "result": None,
}
_DECIDED = {
    "run_id": _RUN,
    "decision": "approve",
    "new_state": "running",
    "approval_token_jti": "0199d3a17c557b1e9a640d6c0f1d2b3a",
    "approval_id": _APPROVAL,
    "votes": 2,
    "needed": 2,
}
_AGREEMENT = {
    "project_id": "acme",
    "agent_id": "sre-agent",
    "tool_name": "restart_deployment__cluster",
    "asked": 20,
    "approved": 15,
    "edited": 1,
    "rejected": 2,
    "expired": 1,
    "withdrawn": 0,
    "pending": 1,
    "share": 0.8333,
}
_PROJECT = OpenApiParameter("project_id", str)


def _asks(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, request_only=True, value=value)


def _tells(name: str, value: dict[str, Any], status: str = "200") -> OpenApiExample:
    return OpenApiExample(name, response_only=True, value=value, status_codes=[status])


class ApprovalsDoor(Door):
    """``/v1/platform/approvals``"""

    @extend_schema(
        operation_id="list_approvals",
        parameters=[
            _PROJECT,
            OpenApiParameter("standing", str, enum=Standing.values),
            OpenApiParameter("agent_id", str),
            OpenApiParameter("risk", str, enum=Risk.values),
            openapi.PER_PAGE,
            OpenApiParameter("cursor", str, description="from the previous page's next"),
        ],
        responses=bodies.ApprovalPage,
        examples=[_tells("One waits", {"approvals": [_TOLD], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List requests: those that wait before those that do not, the oldest of both first."""
        person = _person(request)
        asked = rest.read(bodies.ListAsked, request.query_params.dict())
        filters = Filters(
            scope=access.narrowed(access.scope_of(person), asked.project_id),
            standing=asked.standing,
            agent_id=asked.agent_id,
            risk=asked.risk.value if asked.risk else None,
        )
        with pipe() as p, p.operator_tx(filters.scope):
            page = queries.page(p, filters, per_page=asked.per_page, after=asked.after())
        return Response({"approvals": page.approvals, "next": _next(request, page.next)})


class ApprovalDoor(Door):
    """``/v1/platform/approvals/{identity}``"""

    @extend_schema(
        operation_id="get_approval",
        responses=bodies.ApprovalDetail,
        examples=[_tells("One of two has said yes", _DETAIL)],
    )
    def get(self, request: Request, identity: str) -> Response:
        """Tell a request by its own id or its run's, with its votes and what became of it."""
        person = _person(request)
        return Response(_one(person, rest.read_uuid(identity)))


class DecideDoor(Door):
    """``/v1/platform/approvals/{run_id}/decide``"""

    @extend_schema(
        operation_id="decide",
        request=bodies.Vote,
        responses=bodies.Decided,
        examples=[
            _asks("Yes", {"decision": "approve", "reason": "Seen on call, go on."}),
            _asks("No", {"decision": "reject", "reason": "Not during the sale."}),
            _tells("The last yes that was needed", _DECIDED),
        ],
        description=(
            "Takes the role approver, and a person: keys are refused. `run_id` may be the "
            "request's own id too. 409 names the present `state` when nothing waits for a decision."
        ),
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Approve or reject exactly the action that was asked for."""
        person = _person(request)
        identity = rest.read_uuid(run_id)
        body = rest.read(bodies.Vote, request.data)
        project_id = _project(person, identity)
        with tenant_tx(project_id):
            done = decisions.decide(
                project_id,
                identity,
                body.decision,
                approver=actor_name(person),
                reason=body.reason,
                at=timezone.now(),
            )
        if done.new_state is State.RUNNING:
            tasks.go_on(project_id, done.run_id)
        return Response(
            {
                "run_id": done.run_id,
                "decision": done.decision.value,
                "new_state": done.new_state.value,
                "approval_token_jti": done.ticket_id,
                "approval_id": done.approval_id,
                "votes": done.votes,
                "needed": done.needed,
            }
        )


class EditDoor(Door):
    """``/v1/platform/approvals/{identity}/edit``"""

    @extend_schema(
        operation_id="edit_approval",
        request=bodies.Edit,
        responses={201: bodies.ApprovalDetail},
        examples=[
            _asks("Fewer", {"arguments": {"name": "shop-web", "replicas": 3}, "reason": "Enough."}),
            _tells("What is asked for now", _DETAIL, "201"),
        ],
        description=(
            "Takes the role approver. The request is withdrawn and another one takes its place, "
            "which somebody else decides: who edits is who asks."
        ),
    )
    def post(self, request: Request, identity: str) -> Response:
        """Ask for other arguments in the place of a request that waits."""
        person = _person(request)
        known = rest.read_uuid(identity)
        body = rest.read(bodies.Edit, request.data)
        project_id = _project(person, known)
        made = edits.edit(
            project_id,
            known,
            body.arguments,
            editor=actor_name(person),
            reason=body.reason,
            at=timezone.now(),
        )
        return Response(_one(person, made.approval_id), status=201)


class AgreementDoor(Door):
    """``/v1/platform/approvals/agreement``"""

    @extend_schema(
        operation_id="get_agreement",
        parameters=[_PROJECT],
        responses=bodies.Agreements,
        examples=[
            _tells(
                "An agent that is mostly right",
                {"agreement": [_AGREEMENT], "days": agreement.DAYS, "last": agreement.LAST},
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Tell how often people agreed with what was proposed, by agent and tool."""
        person = _person(request)
        asked = rest.read(bodies.AgreementAsked, request.query_params.dict())
        scope = access.narrowed(access.scope_of(person), asked.project_id)
        with pipe() as p, p.operator_tx(scope):
            found = agreement.of(p, scope, at=timezone.now())
        told = [{**asdict(each), "share": each.share} for each in found]
        return Response({"agreement": told, "days": agreement.DAYS, "last": agreement.LAST})


def _person(request: Request) -> Operator:
    """Return who asks.

    :raises Refused: a key; machines do not decide, and an agent asks the gateway for its own.
    """
    principal = person_or_key(request)
    if not isinstance(principal, Operator):
        raise Refused(Code.AUTH_FORBIDDEN, "this door is for people and their tokens")
    return principal


def _one(person: Operator, identity: UUID) -> dict[str, Any]:
    scope = access.scope_of(person)
    with pipe() as p, p.operator_tx(scope):
        found = queries.one(p, identity, scope)
    if found is None:
        raise NotFound(Code.APPROVAL_UNKNOWN)
    return found


def _project(person: Operator, identity: UUID) -> str:
    """Return whose a request or run is, for somebody who may decide there.

    :raises NotFound: nobody's, or of a project this person may not see.
    :raises Refused: they may see it, but are no approver there.
    """
    scope = access.scope_of(person)
    with pipe() as p, p.operator_tx(scope):
        project_id = queries.project_of(p, identity, scope)
    if project_id is None:
        raise NotFound(Code.APPROVAL_UNKNOWN)
    access.refuse_below(person, project_id, Role.APPROVER, missing=Code.APPROVAL_UNKNOWN)
    return project_id


def _next(request: Request, place: Place | None) -> str | None:
    if place is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = f"{'decided' if place.is_decided else 'waiting'}/{place.approval_id}"
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
