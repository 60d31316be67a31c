"""The operators' REST doors of incidents, operations, playbooks and knowledge."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from approvals.operations.models import Outcome, Playbook, Severity, Status, Verdict
from awooop.console.operations import bodies, deeds, sources
from awooop.console.operations.deeds import Deed
from awooop.console.operations.sources import SHELVES, Wish
from awooop.errors import Code, Refused
from awooop.kit import openapi, redaction, rest
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name, person_or_key
from awooop.tenants.doors import Door
from awooop.tenants.models import Operator, Role

_COMMON = [
    OpenApiParameter("project_id", str),
    openapi.PER_PAGE,
    OpenApiParameter("cursor", str, description="from the previous page's next"),
]
_ROLE = "Takes the role approver, and a person: keys are refused."
_ID = "0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a"
_AT = "2026-01-01T10:00:00Z"
_INCIDENT = {
    "incident_id": _ID,
    "project_id": "acme",
    "title": "The shop answers slowly",
    "category": "latency",
    "severity": "warning",
    "status": "open",
    "source": "alertmanager",
    "source_ref": "HighLatency/shop",
    "opened_at": _AT,
    "resolved_at": None,
    "resolved_by": None,
    "resolution_id": None,
}
_PLAYBOOK = {
    "playbook_id": _ID,
    "project_id": "acme",
    "name": "The shop answers slowly",
    "category": "latency",
    "standing": "approved",
    "action": "kubectl rollout restart deployment/web -n shop",
    "effectiveness": 5,
    "uses": 4,
    "successes": 4,
    "created_at": _AT,
    "used_at": _AT,
}
_ENTRY = {
    "entry_id": _ID,
    "project_id": "acme",
    "operation_id": _ID,
    "incident_id": _ID,
    "title": "The shop answers slowly: restart",
    "body": "Action: kubectl rollout restart deployment/web -n shop",
    "category": "latency",
    "tags": ["human_approved", "success", "latency", "execution", "verified"],
    "did_not_work": False,
    "created_at": _AT,
}


def _tells(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, response_only=True, value={**value, "next": None})


def _asks(name: str, reason: str) -> OpenApiExample:
    value = {"project_id": "acme", "reason": reason}
    return OpenApiExample(name, request_only=True, value=value)


class IncidentsDoor(Door):
    """``/v1/platform/incidents``"""

    @extend_schema(
        operation_id="list_incidents",
        parameters=[
            OpenApiParameter("status", str, enum=Status.values),
            OpenApiParameter("severity", str, enum=Severity.values),
            *_COMMON,
        ],
        responses=bodies.IncidentPage,
        examples=[_tells("One is open", {"incidents": [_INCIDENT]})],
    )
    def get(self, request: Request) -> Response:
        """List incidents, newest first."""
        return _listed(request, "incidents", bodies.IncidentsAsked)


class OperationsDoor(Door):
    """``/v1/platform/operations``"""

    @extend_schema(
        operation_id="list_operations",
        parameters=[
            OpenApiParameter("outcome", str, enum=[each for each in Outcome.values if each]),
            OpenApiParameter("verdict", str, enum=[each for each in Verdict.values if each]),
            *_COMMON,
        ],
        responses=bodies.OperationPage,
    )
    def get(self, request: Request) -> Response:
        """List the operation log, newest first."""
        return _listed(request, "operations", bodies.OperationsAsked)


class PlaybooksDoor(Door):
    """``/v1/platform/playbooks``"""

    @extend_schema(
        operation_id="list_playbooks",
        parameters=[OpenApiParameter("standing", str, enum=Playbook.Standing.values), *_COMMON],
        responses=bodies.PlaybookPage,
        examples=[_tells("One that is trusted", {"playbooks": [_PLAYBOOK]})],
    )
    def get(self, request: Request) -> Response:
        """List playbooks, newest first."""
        return _listed(request, "playbooks", bodies.PlaybooksAsked)


class KnowledgeDoor(Door):
    """``/v1/platform/knowledge``"""

    @extend_schema(
        operation_id="search_knowledge",
        parameters=[
            OpenApiParameter("q", str, description='words, "a phrase", or, -not; all must fit'),
            OpenApiParameter("worked", str, enum=["yes", "no"]),
            *_COMMON,
        ],
        responses=bodies.KnowledgePage,
        examples=[_tells("What has helped before", {"knowledge": [_ENTRY]})],
    )
    def get(self, request: Request) -> Response:
        """List what operations taught, newest first; with words, what holds them all."""
        return _listed(request, "knowledge", bodies.KnowledgeAsked)


class ResolveDoor(Door):
    """``/v1/platform/incidents/{incident_id}/resolve``"""

    @extend_schema(
        operation_id="resolve_incident",
        request=bodies.Act,
        responses=bodies.IncidentTold,
        examples=[_asks("It is over", "The queue drained by itself at 10:12.")],
        description=f"{_ROLE} Resolving what is resolved changes nothing.",
    )
    def post(self, request: Request, incident_id: str) -> Response:
        """Resolve an incident, because a person says so."""
        return _done(request, deeds.RESOLVE, incident_id)


class ApproveDoor(Door):
    """``/v1/platform/playbooks/{playbook_id}/approve``"""

    @extend_schema(
        operation_id="approve_playbook",
        request=bodies.Act,
        responses=bodies.PlaybookTold,
        examples=[_asks("It may be offered", "It helped twice; the second time without us.")],
        description=f"{_ROLE} Approving what is approved changes nothing.",
    )
    def post(self, request: Request, playbook_id: str) -> Response:
        """Let a playbook be offered for incidents like its own."""
        return _done(request, deeds.APPROVE, playbook_id)


class RetireDoor(Door):
    """``/v1/platform/playbooks/{playbook_id}/retire``"""

    @extend_schema(
        operation_id="retire_playbook",
        request=bodies.Act,
        responses=bodies.PlaybookTold,
        examples=[_asks("Never again", "The deployment it restarts is gone.")],
        description=f"{_ROLE} Retiring what is retired changes nothing.",
    )
    def post(self, request: Request, playbook_id: str) -> Response:
        """Offer a playbook no more, until a person approves it."""
        return _done(request, deeds.RETIRE, playbook_id)


def _done(request: Request, deed: Deed, identity: str) -> Response:
    """Do what a person asks for, and tell the thing as it is now."""
    person = _person(request)
    known = rest.read_uuid(identity)
    asked = rest.read(bodies.Act, request.data)
    project_id = asked.project_id
    access.refuse_below(person, project_id, Role.APPROVER, missing=Code.OPERATION_UNKNOWN)
    with tenant_tx(project_id):
        deed.verb(project_id, known, actor_name(person), asked.reason, timezone.now())
    with pipe() as p, p.operator_tx({project_id}):
        found = sources.one(p, SHELVES[deed.kind], project_id, known)
    return Response(redaction.redact(found))


def _listed(request: Request, kind: str, query: type[bodies.Asked]) -> Response:
    person = _person(request)
    asked = rest.read(query, request.query_params.dict())
    scope = access.narrowed(access.scope_of(person), asked.project_id)
    wish = Wish(
        scope=scope,
        wanted=asked.wanted(),
        words=getattr(asked, "q", "").strip(),
        per_page=asked.per_page,
        older_than=asked.cursor,
    )
    with pipe() as p, p.operator_tx(scope):
        page = sources.page(p, SHELVES[kind], wish)
    return Response({kind: redaction.redact(page.rows), "next": _next(request, page.older)})


def _person(request: Request) -> Operator:
    """Return who asks.

    :raises Refused: a key; an agent asks the gateway for what is its own.
    """
    principal = person_or_key(request)
    if not isinstance(principal, Operator):
        raise Refused(Code.AUTH_FORBIDDEN, "this door is for people and their tokens")
    return principal


def _next(request: Request, older: Any) -> str | None:
    if older is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(older)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
