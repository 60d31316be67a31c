"""The REST doors of runs: create, list, read, cancel."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.errors import Code, NotFound, Refused
from awooop.kit import openapi, rest
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants.authentication import actor_name, key_with, person_or_key
from awooop.tenants.doors import Door, may_act, reading, seen_by
from awooop.tenants.models import PROJECT_ID, KeyScope, Role
from runs import cancelling, orders, queries, tasks
from runs.fsm import State
from runs.intake import Order
from runs.models import Trigger

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]


class NewRun(BaseModel):
    """What to run, for which agent, and the event it answers."""

    model_config = ConfigDict(extra="forbid")

    agent_id: Name
    project_id: Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")] | None = None
    trigger_type: Trigger = Trigger.API
    trigger_ref: str = Field(default="", max_length=300)
    input: dict[str, Any] | None = Field(default=None, description="Any JSON object.")
    channel_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")] | None = None
    provider_event_id: str | None = Field(default=None, min_length=1, max_length=300)
    timeout_seconds: int = Field(default=600, ge=1, le=86_400)
    parent_run_id: UUID | None = None

    @model_validator(mode="after")
    def _parent_where_needed(self) -> "NewRun":
        if self.trigger_type in {Trigger.RETRY, Trigger.SUB_AGENT} and self.parent_run_id is None:
            raise ValueError(f"trigger_type {self.trigger_type.value} needs parent_run_id")
        return self


class RunCreated(BaseModel):
    """The run that stands for the event."""

    run_id: UUID
    is_duplicate: bool
    state: State
    is_shadow: bool
    trace_id: str


class RunStatus(BaseModel):
    """Where a run stands."""

    run_id: UUID
    project_id: str
    agent_id: str
    state: State
    is_shadow: bool
    trace_id: str
    attempt_count: int
    cost_usd: str
    step_count: int
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class RunPage(BaseModel):
    """Some runs, newest first. ``next`` is the address of the following page, or null."""

    runs: list[RunStatus]
    next: str | None
    total: int = Field(description="Runs that match; counted up to 1000.")
    total_is_exact: bool


class ListAsked(BaseModel):
    """The query of the run list."""

    model_config = ConfigDict(extra="forbid")

    project_id: str | None = Field(default=None, max_length=64)
    state: State | None = None
    agent_id: str | None = Field(default=None, max_length=100)
    is_shadow: bool | None = None
    since: AwareDatetime | None = None
    per_page: int = Field(default=queries.PER_PAGE, ge=1, le=queries.MOST_PER_PAGE)
    cursor: UUID | None = None
    format: Literal["json"] | None = None


class Cancel(BaseModel):
    """Why a run is cancelled."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=300)


class RunsDoor(Door):
    """``/v1/platform/runs``"""

    @extend_schema(
        operation_id="create_run",
        request=NewRun,
        responses={201: RunCreated, 200: RunCreated},
        examples=[
            OpenApiExample(
                "An event, once",
                request_only=True,
                value={
                    "agent_id": "sre-agent",
                    "trigger_type": "api",
                    "input": {"question": "why is checkout slow?"},
                    "provider_event_id": "ticket-4711",
                },
            )
        ],
        description="201 for a new run, 200 for the run that stands for this event already.",
    )
    def post(self, request: Request) -> Response:
        """Create a run, once for each event."""
        holder = key_with(request, KeyScope.RUNS)
        body = rest.read(NewRun, request.data)
        if body.project_id not in (None, holder.project_id):
            raise Refused(Code.AUTH_FORBIDDEN, "project_id is not the key's project")
        if holder.agent_id and body.agent_id != holder.agent_id:
            raise Refused(Code.AUTH_FORBIDDEN, "this key belongs to another agent")
        order = Order(
            project_id=holder.project_id,
            agent_id=body.agent_id,
            is_shadow=orders.shadow_of(mode=holder.mode, is_active=holder.is_active),
            trigger_type=body.trigger_type,
            trigger_ref=body.trigger_ref,
            input=body.input or {},
            channel_type=body.channel_type,
            provider_event_id=body.provider_event_id,
            traceparent=request.headers.get("traceparent"),
            parent_run_id=body.parent_run_id,
            timeout_seconds=body.timeout_seconds,
        )
        if body.trigger_type is Trigger.RETRY and body.input is None:
            order = orders.with_parents_input(order)
        receipt = orders.place(order)
        if not receipt.is_duplicate:
            tasks.ring()
        return Response(_receipt(receipt), status=200 if receipt.is_duplicate else 201)

    @extend_schema(
        operation_id="list_runs",
        parameters=[
            OpenApiParameter("project_id", str),
            OpenApiParameter("state", str, enum=State.values),
            OpenApiParameter("agent_id", str),
            OpenApiParameter("is_shadow", bool),
            OpenApiParameter("since", datetime),
            openapi.PER_PAGE,
            OpenApiParameter("cursor", str, description="from the previous page's next"),
        ],
        responses=RunPage,
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        principal = person_or_key(request)
        asked = rest.read(ListAsked, request.query_params.dict())
        filters = queries.Filters(
            scope=seen_by(principal, asked.project_id),
            state=asked.state.value if asked.state else None,
            agent_id=asked.agent_id,
            is_shadow=asked.is_shadow,
            since=asked.since,
        )
        with pipe() as p, reading(p, principal, filters.scope):
            page = queries.page(p, filters, per_page=asked.per_page, older_than=asked.cursor)
        return Response(
            {
                "runs": [told(run) for run in page.runs],
                "next": _next(request, page.older),
                "total": page.total,
                "total_is_exact": page.total_is_exact,
            }
        )


class RunDoor(Door):
    """``/v1/platform/runs/{run_id}``"""

    @extend_schema(operation_id="get_run", responses=RunStatus)
    def get(self, request: Request, run_id: str) -> Response:
        """Tell where a run stands."""
        principal = person_or_key(request)
        identity = rest.read_uuid(run_id)
        scope = seen_by(principal)
        with pipe() as p, reading(p, principal, scope):
            run = queries.one(p, identity)
        if run is None:
            raise NotFound(Code.RUN_UNKNOWN)
        return Response(told(run))


class CancelDoor(Door):
    """``/v1/platform/runs/{run_id}/cancel``"""

    @extend_schema(operation_id="cancel_run", request=Cancel, responses=RunStatus)
    def post(self, request: Request, run_id: str) -> Response:
        """Cancel a run that has not ended; a worker that holds it loses its lease."""
        principal = person_or_key(request)
        identity = rest.read_uuid(run_id)
        body = rest.read(Cancel, request.data or {})
        scope = seen_by(principal)
        with pipe() as p, reading(p, principal, scope):
            run = queries.one(p, identity)
        if run is None:
            raise NotFound(Code.RUN_UNKNOWN)
        project_id = run["project_id"]
        may_act(principal, project_id, Role.APPROVER)
        with tenant_tx(project_id):
            cancelling.cancel(project_id, identity, actor=actor_name(principal), reason=body.reason)
        with pipe() as p, reading(p, principal, scope):
            run = queries.one(p, identity)
        return Response(told(run or {}))


def told(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run's columns as the API tells them; money is text, never a float."""
    return {**run, "cost_usd": str(run["cost_usd"])} if "cost_usd" in run else run


def _receipt(receipt: Any) -> dict[str, Any]:
    return {
        "run_id": receipt.run_id,
        "is_duplicate": receipt.is_duplicate,
        "state": receipt.state.value,
        "is_shadow": receipt.is_shadow,
        "trace_id": receipt.trace_id,
    }


def _next(request: Request, older: UUID | None) -> str | None:
    if older is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(older)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
