"""The REST doors of contracts: drafted, published, signed, activated, compared."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from awooop.errors import Code, NotFound, Refused
from awooop.kit import openapi, rest
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name, person_or_key
from awooop.tenants.doors import Door
from awooop.tenants.models import PROJECT_ID, Operator, Role
from contracts import comparison, lifecycle, listing, schemas, seals
from contracts.models import ContractRevision, Family, Lifecycle

_ProjectId = Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")]
_ContractId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]


class NewDraft(BaseModel):
    """A body that may become a revision."""

    model_config = ConfigDict(extra="forbid")

    project_id: _ProjectId
    contract_family: Family
    contract_id: _ContractId
    body: dict[str, Any]


class Revision(BaseModel):
    """A revision, without its body in lists."""

    revision_id: UUID
    project_id: str
    contract_family: Family
    contract_id: str
    version: str = Field(description="major.minor; empty for a draft")
    lifecycle_status: Lifecycle
    body_hash: str
    is_sound: bool | None = Field(description="whether it is what was published; null in lists")
    created_by: str
    created_at: datetime
    published_at: datetime | None
    activated_at: datetime | None
    body: dict[str, Any] | None = None
    signatures: list[dict[str, Any]] | None = None


class RevisionPage(BaseModel):
    """Some revisions, newest first."""

    revisions: list[Revision]
    next: str | None


class Difference(BaseModel):
    """One difference between two bodies."""

    pointer: str
    words: str
    is_breaking: bool


class Comparison(BaseModel):
    """How a revision differs from another: the active one, if none is named."""

    before: str | None
    after: str
    changes: list[Difference]


class ListAsked(BaseModel):
    """The query of the list."""

    model_config = ConfigDict(extra="forbid")

    project_id: str | None = Field(default=None, max_length=64)
    family: Family | None = None
    contract_id: str | None = Field(default=None, max_length=100)
    status: Lifecycle | None = None
    per_page: int = Field(default=listing.PER_PAGE, ge=1, le=listing.MOST_PER_PAGE)
    cursor: UUID | None = None


class DiffAsked(BaseModel):
    """The query of a comparison."""

    model_config = ConfigDict(extra="forbid")

    against: UUID | None = None


class ContractsDoor(Door):
    """``/v1/platform/contracts``"""

    @extend_schema(
        operation_id="list_contracts",
        parameters=[
            OpenApiParameter("project_id", str),
            OpenApiParameter("family", str, enum=Family.values),
            OpenApiParameter("contract_id", str),
            OpenApiParameter("status", str, enum=Lifecycle.values),
            openapi.PER_PAGE,
            OpenApiParameter("cursor", str, description="from the previous page's next"),
        ],
        responses=RevisionPage,
    )
    def get(self, request: Request) -> Response:
        """List revisions, newest first."""
        person = _person(request)
        asked = rest.read(ListAsked, request.query_params.dict())
        scope = access.narrowed(access.scope_of(person), asked.project_id)
        filters = listing.Filters(
            scope=scope,
            family=asked.family,
            contract_id=asked.contract_id,
            status=asked.status,
        )
        with pipe() as p, p.operator_tx(scope):
            page = listing.page(p, filters, per_page=asked.per_page, older_than=asked.cursor)
        following = None
        if page.older:
            query = request.query_params.copy()
            query["cursor"] = str(page.older)
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        told = [_told(each) for each in page.revisions]
        return Response({"revisions": told, "next": following})

    @extend_schema(operation_id="draft_contract", request=NewDraft, responses={201: Revision})
    def post(self, request: Request) -> Response:
        """Write down a draft."""
        person, asked = _person(request), rest.read(NewDraft, request.data)
        access.refuse_below(person, asked.project_id, Role.ADMIN)
        with tenant_tx(asked.project_id):
            made = lifecycle.draft(
                asked.project_id,
                asked.contract_family,
                asked.contract_id,
                asked.body,
                actor=actor_name(person),
                at=timezone.now(),
            )
        return Response(_told(made, body=made.body), status=201)


class ContractDoor(Door):
    """``/v1/platform/contracts/{revision_id}``"""

    @extend_schema(operation_id="get_contract", responses=Revision)
    def get(self, request: Request, revision_id: str) -> Response:
        """Tell a revision, its body, and who signed it."""
        return Response(_whole(_person(request), rest.read_uuid(revision_id)))

    @extend_schema(operation_id="discard_contract", responses={204: None})
    def delete(self, request: Request, revision_id: str) -> Response:
        """Throw a draft away."""
        person, found = _seen(request, revision_id)
        access.refuse_below(person, found.project_id, Role.ADMIN)
        with tenant_tx(found.project_id):
            lifecycle.discard(found.project_id, found.revision_id, actor=actor_name(person))
        return Response(status=204)


def _act(operation: str) -> Any:
    return extend_schema(operation_id=operation, request=None, responses=Revision)


class _ActDoor(Door):
    """One act upon a revision; each subclass says which, and who may."""

    role = Role.ADMIN

    def act(self, found: ContractRevision, actor: str, at: datetime) -> None:
        """Do it, in the open transaction of the revision's project."""
        raise NotImplementedError

    def post(self, request: Request, revision_id: str) -> Response:
        """Do it, and tell the revision as it is now."""
        person, found = _seen(request, revision_id)
        access.refuse_below(person, found.project_id, self.role)
        with tenant_tx(found.project_id):
            self.act(found, actor_name(person), timezone.now())
        return Response(_whole(person, found.revision_id))


@extend_schema_view(post=_act("publish_contract"))
class PublishDoor(_ActDoor):
    """``/v1/platform/contracts/{revision_id}/publish``"""

    def act(self, found: ContractRevision, actor: str, at: datetime) -> None:
        lifecycle.publish(found.project_id, found.revision_id, actor=actor, at=at)


@extend_schema_view(post=_act("sign_contract"))
class SignDoor(_ActDoor):
    """``/v1/platform/contracts/{revision_id}/sign``"""

    role = Role.APPROVER

    def act(self, found: ContractRevision, actor: str, at: datetime) -> None:
        lifecycle.sign(found.project_id, found.revision_id, signer=actor, at=at)


@extend_schema_view(post=_act("activate_contract"))
class ActivateDoor(_ActDoor):
    """``/v1/platform/contracts/{revision_id}/activate``; of an earlier revision: a rollback."""

    def act(self, found: ContractRevision, actor: str, at: datetime) -> None:
        lifecycle.activate(found.project_id, found.revision_id, actor=actor, at=at)


@extend_schema_view(post=_act("retire_contract"))
class RetireDoor(_ActDoor):
    """``/v1/platform/contracts/{revision_id}/retire``"""

    def act(self, found: ContractRevision, actor: str, at: datetime) -> None:
        lifecycle.retire(found.project_id, found.revision_id, actor=actor)


class DiffDoor(Door):
    """``/v1/platform/contracts/{revision_id}/diff``"""

    @extend_schema(
        operation_id="compare_contract",
        parameters=[OpenApiParameter("against", str, description="the active one, if not given")],
        responses=Comparison,
    )
    def get(self, request: Request, revision_id: str) -> Response:
        """Tell how a revision differs from the active one, or from another."""
        person = _person(request)
        asked = rest.read(DiffAsked, request.query_params.dict())
        with pipe() as p, p.operator_tx(access.scope_of(person)):
            after = listing.one(p, rest.read_uuid(revision_id))
            before = None
            if after is not None:
                before = (
                    listing.one(p, asked.against)
                    if asked.against
                    else listing.active_beside(p, after)
                )
        if after is None or (asked.against and before is None):
            raise NotFound(Code.CONTRACT_UNKNOWN)
        found = comparison.changes(before.body if before else {}, after.body)
        told = [
            {"pointer": each.pointer, "words": each.words, "is_breaking": each.is_breaking}
            for each in found
        ]
        first = str(before.revision_id) if before else None
        return Response({"before": first, "after": str(after.revision_id), "changes": told})


class SchemaDoor(APIView):
    """``/v1/platform/contracts/schemas/{family}``; public, like the schemas themselves."""

    @extend_schema(operation_id="get_contract_schema", responses={200: dict}, auth=[])
    def get(self, request: Request, family: str) -> Response:
        """Tell the JSON Schema of a family."""
        if family not in Family.values:
            raise NotFound(Code.PATH_UNKNOWN, "there is no such family")
        return Response(schemas.of(family))


def _person(request: Request) -> Operator:
    """Return the operator who asks.

    :raises Refused: it is an API key.
    """
    principal = person_or_key(request)
    if not isinstance(principal, Operator):
        raise Refused(Code.AUTH_FORBIDDEN, "this door is for operators, not for API keys")
    return principal


def _seen(request: Request, revision_id: str) -> tuple[Operator, ContractRevision]:
    person, identity = _person(request), rest.read_uuid(revision_id)
    with pipe() as p, p.operator_tx(access.scope_of(person)):
        found = listing.one(p, identity)
    if found is None:
        raise NotFound(Code.CONTRACT_UNKNOWN)
    return person, found


def _whole(person: Operator, revision_id: UUID) -> dict[str, Any]:
    with pipe() as p, p.operator_tx(access.scope_of(person)):
        found = listing.one(p, revision_id)
        if found is None:
            raise NotFound(Code.CONTRACT_UNKNOWN)
        signed = listing.signatures(p, found)
    told = _told(found, body=found.body)
    is_draft = found.lifecycle_status == Lifecycle.DRAFT
    told["is_sound"] = None if is_draft else seals.is_sound(found)
    told["signatures"] = [
        {"signer": each.signer, "signed_at": each.signed_at, "is_genuine": is_genuine}
        for each, is_genuine in signed
    ]
    return told


def _told(found: ContractRevision, **more: Any) -> dict[str, Any]:
    return {
        "revision_id": found.revision_id,
        "project_id": found.project_id,
        "contract_family": str(found.contract_family),
        "contract_id": found.contract_id,
        "version": found.version,
        "lifecycle_status": str(found.lifecycle_status),
        "body_hash": found.body_hash,
        "is_sound": None,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "published_at": found.published_at,
        "activated_at": found.activated_at,
        **more,
    }
