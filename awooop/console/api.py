"""The REST doors that read across apps: a run with its whole timeline."""

from typing import Annotated, Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.console import timeline
from awooop.errors import Code, NotFound
from awooop.kit import rest
from awooop.kit.db import pipe
from awooop.tenants.authentication import person_or_key
from awooop.tenants.doors import Door, reading, seen_by
from runs.api import told


class TimelineItem(BaseModel):
    """One line of the timeline."""

    ts: AwareDatetime
    kind: str = Field(description="run, inbound, step, approval, mcp or outbound")
    title: str
    status: str
    summary: str | None
    metadata: dict[str, Any]


class RunDetail(BaseModel):
    """A run and what is journalled about it; ``timeline`` holds at most 100 items a page."""

    run: dict[str, Any]
    steps: list[dict[str, Any]]
    inbound_events: list[dict[str, Any]]
    outbound_messages: list[dict[str, Any]]
    mcp_calls: list[dict[str, Any]]
    timeline: list[TimelineItem]
    timeline_next: int | None = Field(description="the following page's number, or null")
    counts: dict[str, int]


class DetailAsked(BaseModel):
    """The query of a run's detail."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=1_000)] = 1


class RunDetailDoor(Door):
    """``/v1/platform/runs/{run_id}/detail``"""

    @extend_schema(
        operation_id="get_run_detail",
        parameters=[OpenApiParameter("page", int, description="of the timeline, from 1")],
        responses=RunDetail,
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Tell everything about a run, in the order it happened."""
        principal = person_or_key(request)
        identity = rest.read_uuid(run_id)
        asked = rest.read(DetailAsked, request.query_params.dict())
        scope = seen_by(principal)
        with pipe() as p, reading(p, principal, scope):
            whole = timeline.collect(p, identity)
        if whole is None:
            raise NotFound(Code.RUN_UNKNOWN)
        items, more = timeline.page(whole.timeline, asked.page)
        return Response(
            {
                "run": told(whole.run),
                "steps": whole.steps,
                "inbound_events": whole.inbound_events,
                "outbound_messages": [],
                "mcp_calls": whole.mcp_calls,
                "timeline": [item.told() for item in items],
                "timeline_next": asked.page + 1 if more else None,
                "counts": {
                    "steps": len(whole.steps),
                    "inbound_events": len(whole.inbound_events) + whole.repeats,
                    "outbound_messages": 0,
                    "mcp_calls": len(whole.mcp_calls),
                    "timeline": len(whole.timeline),
                },
            }
        )
