"""The runtime_run_state contract: the state of one run, as the platform tells it."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.bodies.shapes import (
    WHOLE,
    Body,
    Moment,
    Number,
    Omitted,
    ProjectId,
    Sha256,
    Uuid,
)


class Trigger(Body):
    """What set the run off."""

    trigger_type: Literal["channel_event", "schedule", "api", "sub_agent", "retry"]
    channel_event_id: Omitted[str] = None
    schedule_id: Omitted[str] = None
    triggered_by: Omitted[str] = None


class RunState(Body):
    """The body of a runtime_run_state contract."""

    run_id: Uuid
    project_id: ProjectId
    agent_id: str
    state: Literal[
        "pending",
        "running",
        "waiting_approval",
        "waiting_tool",
        "completed",
        "failed",
        "cancelled",
        "timeout",
    ]
    trace_id: Omitted[str] = None
    parent_run_id: Uuid | None = None
    trigger: Omitted[Trigger] = None
    input_sha256: Omitted[Sha256] = None
    output_sha256: Sha256 | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None
    timeout_at: Moment | None = None
    error_code: str | None = None
    cost_usd: Annotated[Number, Field(ge=0)] | None = None
    step_count: Annotated[int, Field(ge=0), WHOLE] = 0
