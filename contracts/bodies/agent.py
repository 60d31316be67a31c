"""The agent contract: which tools, which model, how much, and the shape of the answer."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from contracts.bodies import reading
from contracts.bodies.reading import Fault
from contracts.bodies.shapes import (
    WHOLE,
    Body,
    Id,
    Name,
    Number,
    Reference,
    Scope,
    ToolName,
    Unique,
    Usd,
)


class Grant(Body):
    """One tool of one gateway, and what the agent may do with it."""

    tool_name: ToolName
    mcp_gateway_id: Id
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3), Unique()] = ["read"]


class Model(Body):
    """The model that thinks."""

    provider: Name
    name: Annotated[str, Field(min_length=1, max_length=200)]
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] = 4096
    credential_ref: Reference | None = None


class Limits(Body):
    """Where a run of this agent is stopped."""

    steps: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 20
    tokens: Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE] = 200_000
    usd: Usd = "1.00"
    seconds: Annotated[int, Field(ge=1, le=604_800), WHOLE] = 600


class Agent(Body):
    """The body of an agent contract."""

    agent_id: Id
    display_name: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    instructions: Annotated[str, Field(max_length=20_000)] = ""
    tools: Annotated[list[Grant], Field(max_length=200)]
    model: Model | None = None
    limits: Limits = Limits()
    output_schema: dict[str, Any] | None = None


def beyond(body: Any) -> Iterator[Fault]:
    """Yield what a schema cannot say: no tool is granted twice."""
    yield from reading.twice(body, ("tools",), "tool_name", "mcp_gateway_id")
