"""The REST doors of the gateway: call a tool, list tools, read the record of calls."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.errors import (
    AwoooPError,
    Code,
    Conflict,
    Exhausted,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)
from awooop.kit import ids, later, openapi, rest
from awooop.kit.db import pipe
from awooop.tenants.authentication import key_with, person_or_key
from awooop.tenants.doors import Door, reading, seen_by
from awooop.tenants.models import KeyScope
from gateway import calls, holding, humans, offers, records
from gateway.models import Status
from gateway.serving import answers, callers
from gateway.shapes import Call, Result

Agent = Annotated[str, Field(min_length=1, max_length=100)]

_AGENT = OpenApiParameter(
    "agent_id", str, description="needed when the key belongs to no agent and there are several"
)
_EXAMPLE_CALL = {"tool": "list_orders__orders", "arguments": {"status": "late"}}
_EXAMPLE_RESULT = {
    "call_id": "0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a",
    "status": "success",
    "content": [{"type": "text", "text": "3 orders are late"}],
    "structured_content": {"late": 3},
    "is_error": False,
    "latency_ms": 41,
    "code": None,
    "reason": "",
    "hint": None,
    "trace_id": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
_EXAMPLE_STATUS = {
    "approval_id": "0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a",
    "edited_as": None,
    "run_id": "0199d3a1-7c51-7f0a-8d02-5f1e2d3c4b5a",
    "standing": "pending",
    "disposition": None,
    "reason": "",
    "tool": "refund_order__orders",
    "arguments": {"order": "17"},
    "expires_at": "2026-01-02T10:00:00+00:00",
    "link": "/admin/approvals/acme/0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a/",
    "result": None,
}
_EXAMPLE_TOOL = {
    "name": "list_orders__orders",
    "title": "List orders",
    "description": "Orders, newest first.",
    "inputSchema": {"type": "object", "properties": {"status": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
}


class NewCall(BaseModel):
    """Which tool to call, and how."""

    model_config = ConfigDict(extra="forbid")

    tool: str = Field(min_length=1, max_length=301, description="As the list of tools names it.")
    arguments: dict[str, Any] = Field(default_factory=dict)
    environment: str = Field(default="", max_length=32)
    agent_id: Agent | None = Field(
        default=None, description="When the key belongs to no agent and there are several."
    )
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Your own name for the effect: the same key never has two.",
    )
    hold_seconds: float = Field(
        default=0,
        ge=0,
        le=holding.LONGEST_SECONDS,
        description="How long to wait for a human, when the call needs one.",
    )


class CallEnded(BaseModel):
    """How the call ended; ``content`` holds MCP content blocks, redacted and cut."""

    call_id: UUID
    status: Status
    content: list[dict[str, Any]]
    structured_content: dict[str, Any] | None
    is_error: bool
    latency_ms: int
    code: str | None
    reason: str
    hint: str | None
    trace_id: str


class ToolList(BaseModel):
    """What the agent is offered: MCP tool definitions, by name."""

    agent_id: str
    tools: list[dict[str, Any]]


class CallRecord(BaseModel):
    """One line of the record of calls."""

    call_id: UUID
    project_id: str
    agent_id: str
    actor: str
    run_id: UUID | None
    trace_id: str
    gateway_id: str
    tool_name: str
    environment: str
    is_shadow: bool
    result_status: Status
    block_gate: int | None
    block_reason: str | None
    error_code: str | None
    is_destructive: bool
    arguments: str = Field(description="JSON, redacted and cut.")
    args_sha256: str
    result_sha256: str | None
    result_size: int
    latency_ms: int
    created_at: datetime


class CallPage(BaseModel):
    """Some calls, newest first. ``next`` is the address of the following page, or null."""

    calls: list[CallRecord]
    next: str | None


class ApprovalStatus(BaseModel):
    """How far a request for a human's yes has come; asking changes nothing."""

    approval_id: UUID
    edited_as: UUID | None = Field(description="The request that took its place, edited.")
    run_id: UUID
    standing: str = Field(description="pending, approved, rejected, expired or withdrawn")
    disposition: str | None = Field(
        description="approved-executed, denied-not-executed, execution-error or outcome-unknown;"
        " null while it is not known."
    )
    reason: str
    tool: str
    arguments: dict[str, Any]
    expires_at: datetime
    link: str = Field(description="Of its page in the console, for people.")
    result: dict[str, Any] | None = Field(description="Of the call, once it was made.")


class ToolsAsked(BaseModel):
    """The query of the list of tools."""

    model_config = ConfigDict(extra="forbid")

    agent_id: Agent | None = None
    format: Literal["json"] | None = None


class CallsAsked(BaseModel):
    """The query of the record of calls."""

    model_config = ConfigDict(extra="forbid")

    project_id: str | None = Field(default=None, max_length=64)
    agent_id: str | None = Field(default=None, max_length=100)
    tool: str | None = Field(default=None, max_length=301)
    status: Status | None = None
    run_id: UUID | None = None
    per_page: int = Field(default=records.PER_PAGE, ge=1, le=records.MOST_PER_PAGE)
    cursor: UUID | None = None
    format: Literal["json"] | None = None


class CallDoor(Door):
    """``/v1/platform/gateway/call``"""

    @extend_schema(
        operation_id="call_tool",
        request=NewCall,
        responses={200: CallEnded},
        examples=[
            OpenApiExample("A read", request_only=True, value=_EXAMPLE_CALL),
            OpenApiExample("Its answer", response_only=True, value=_EXAMPLE_RESULT),
        ],
        description=(
            "200 when the call was let through, whatever came of it: see `status`. A call that a "
            "gate stopped is answered with the gate's code as a problem; nothing was sent."
        ),
    )
    def post(self, request: Request) -> Response:
        """Call a tool through the five gates."""
        holder = key_with(request, KeyScope.GATEWAY)
        body = rest.read(NewCall, request.data)
        call = Call(
            project_id=holder.project_id,
            agent_id=callers.agent_of(holder, _asked_agent(request, body.agent_id)),
            tool=body.tool,
            arguments=body.arguments,
            actor=holder.name,
            home_id=holder.project_id,
            environment=body.environment or request.headers.get("Awooop-Environment", ""),
            trace_id=ids.trace_id(request.headers.get("traceparent")),
            key=body.idempotency_key,
        )
        result = calls.call_tool(call)
        first = _answer(call, result)
        if result.asked is None or not body.hold_seconds:
            return first

        async def last() -> Response:
            ended = await holding.hold(
                result,
                project_id=call.project_id,
                agent_id=call.agent_id,
                seconds=body.hold_seconds,
            )
            return _answer(call, ended)

        return later.answer(request._request, first, last)


class ToolsDoor(Door):
    """``/v1/platform/gateway/tools``"""

    @extend_schema(
        operation_id="list_tools",
        parameters=[_AGENT],
        responses=ToolList,
        examples=[
            OpenApiExample(
                "One tool",
                response_only=True,
                value={"agent_id": "order-agent", "tools": [_EXAMPLE_TOOL]},
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the tools that the agent can call."""
        holder = key_with(request, KeyScope.GATEWAY)
        asked = rest.read(ToolsAsked, request.query_params.dict())
        agent_id = callers.agent_of(holder, _asked_agent(request, asked.agent_id))
        offered = offers.spelled(holder.project_id, agent_id)
        tools = [tool for spell in offered.values() if (tool := spell())]
        return Response({"agent_id": agent_id, "tools": tools})


class ApprovalDoor(Door):
    """``/v1/platform/gateway/approvals/{approval_id}``"""

    @extend_schema(
        operation_id="get_own_approval",
        parameters=[_AGENT],
        responses=ApprovalStatus,
        examples=[OpenApiExample("Nobody has decided", response_only=True, value=_EXAMPLE_STATUS)],
    )
    def get(self, request: Request, approval_id: str) -> Response:
        """Tell the agent that asked how far its request for a human's yes has come."""
        holder = key_with(request, KeyScope.GATEWAY)
        identity = rest.read_uuid(approval_id)
        asked = rest.read(ToolsAsked, request.query_params.dict())
        agent_id = callers.agent_of(holder, _asked_agent(request, asked.agent_id))
        found = humans.look(holder.project_id, agent_id, identity)
        if found is None:
            raise NotFound(Code.APPROVAL_UNKNOWN)
        return Response(dict(found))


class CallsDoor(Door):
    """``/v1/platform/gateway/calls``"""

    @extend_schema(
        operation_id="list_calls",
        parameters=[
            OpenApiParameter("project_id", str),
            OpenApiParameter("agent_id", str),
            OpenApiParameter("tool", str, description="as agents name it"),
            OpenApiParameter("status", str, enum=Status.values),
            OpenApiParameter("run_id", UUID),
            openapi.PER_PAGE,
            OpenApiParameter("cursor", str, description="from the previous page's next"),
        ],
        responses=CallPage,
    )
    def get(self, request: Request) -> Response:
        """List the calls of tools, refused or not, newest first."""
        principal = person_or_key(request)
        asked = rest.read(CallsAsked, request.query_params.dict())
        filters = records.Filters(
            scope=seen_by(principal, asked.project_id, needs=KeyScope.GATEWAY),
            agent_id=asked.agent_id,
            tool=asked.tool,
            status=asked.status.value if asked.status else None,
            run_id=asked.run_id,
        )
        with pipe() as p, reading(p, principal, filters.scope):
            page = records.page(p, filters, per_page=asked.per_page, older_than=asked.cursor)
        return Response({"calls": page.calls, "next": _next(request, page.older)})


def _asked_agent(request: Request, named: str | None) -> str:
    return named or request.headers.get("Awooop-Agent", "")


def _answer(call: Call, result: Result) -> Response:
    if result.status is Status.BLOCKED:
        return rest.problem_handler(_refusal(result), {})
    return Response(_told(call, result))


def _told(call: Call, result: Result) -> dict[str, Any]:
    return {
        "call_id": result.call_id,
        "status": result.status.value,
        "content": list(result.content),
        "structured_content": result.structured,
        "is_error": result.is_error,
        "latency_ms": result.latency_ms,
        "code": result.code.value if result.code else None,
        "reason": result.reason,
        "hint": result.code.hint if result.code else None,
        "trace_id": call.trace_id,
    }


def _refusal(result: Result) -> AwoooPError:
    """Return a gate's refusal as the error that the REST door answers with."""
    code = result.code or Code.INTERNAL
    kinds: dict[int, type[AwoooPError]] = {
        403: Refused,
        409: Conflict,
        429: Exhausted,
        503: Unavailable,
    }
    facts = answers.reasons(result) if result.code else {}
    names = ("gate", "retry_after", "approval")
    told = {key: facts[key] for key in names if facts.get(key) is not None}
    return kinds.get(code.http, Invalid)(code, result.reason, call_id=str(result.call_id), **told)


def _next(request: Request, older: UUID | None) -> str | None:
    if older is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(older)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
