"""What goes through the operators' REST doors of the gateway."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from awooop.console.gateway import inventory, reading
from awooop.tenants.models import PROJECT_ID
from gateway.models import Level, Outcome, Standing

ProjectId = Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")]
Pin = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_PER_PAGE = Field(default=reading.PER_PAGE, ge=1, le=reading.MOST_PER_PAGE)


class Closed(BaseModel):
    """What takes no other fields."""

    model_config = ConfigDict(extra="forbid")


class ProvidersAsked(Closed):
    """The query of the list of providers."""

    project_id: ProjectId | None = None
    per_page: int = _PER_PAGE
    cursor: str = Field(default="", max_length=165, pattern=r"^([^\x00/]+/[^\x00/]+)?$")

    def after(self) -> tuple[str, str]:
        """Return the project and the name of the last provider seen."""
        project_id, _slash, name = self.cursor.partition("/")
        return project_id, name


class ToolsAsked(Closed):
    """The query of the list of tools."""

    project_id: ProjectId | None = None
    gateway_id: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00]+$")
    standing: Standing | None = None
    per_page: int = _PER_PAGE
    cursor: str = Field(default="", max_length=370, pattern=r"^([^\x00/]+/[^\x00/]+/[^\x00]+)?$")

    def after(self) -> inventory.Place:
        """Return the place of the last tool seen."""
        project_id, gateway_id, tool_name = (self.cursor or "//").split("/", 2)
        return project_id, gateway_id, tool_name


class EffectsAsked(Closed):
    """The query of the list of effects."""

    project_id: ProjectId | None = None
    outcome: Outcome | Literal["open"] | None = None
    per_page: int = _PER_PAGE
    cursor: UUID | None = None


class SwitchesAsked(Closed):
    """The query of the list of kill switches."""

    project_id: ProjectId | None = None


class OfProject(Closed):
    """The project that an act is upon."""

    project_id: ProjectId


class Release(OfProject):
    """Which definition is released: the one that was looked at."""

    pin_sha256: Pin


class Resolution(OfProject):
    """What became of an effect, and how that is known."""

    outcome: Literal[Outcome.EXECUTED, Outcome.ERROR]
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Throw(Closed):
    """What a kill switch stops; the platform's has no project."""

    level: Level
    project_id: ProjectId | None = None
    key: str = Field(default="", max_length=301, description="The agent's id, or the tool's name.")
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Lift(Closed):
    """Where a kill switch was thrown; the platform's has no project."""

    project_id: ProjectId | None = None


class ProviderTold(BaseModel):
    """A provider, and what its server said when it was last listed."""

    project_id: str
    gateway_id: str
    is_active: bool = Field(description="whether a gateway contract of this name is active")
    provider: str | None
    transport: str | None
    server_name: str | None
    server_version: str | None
    faults: list[str]
    error_code: str | None
    error_detail: str | None
    listed_at: datetime | None
    tried_at: datetime | None
    tools: int
    released: int
    waiting: int
    warnings: int


class ProviderPage(BaseModel):
    """Some providers by name. ``next`` is the address of the following page, or null."""

    providers: list[ProviderTold]
    next: str | None


class ToolTold(BaseModel):
    """A tool and its standing."""

    project_id: str
    gateway_id: str
    tool_name: str
    standing: Standing
    pin_sha256: str | None = Field(description="of the released definition")
    seen_sha256: str = Field(description="of the definition seen last: what a release names")
    warnings: list[dict[str, Any]]
    renamed_from: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    released_by: str | None
    released_at: datetime | None
    annotations: Any


class ToolPage(BaseModel):
    """Some tools by name. ``next`` is the address of the following page, or null."""

    tools: list[ToolTold]
    next: str | None


class EffectTold(BaseModel):
    """A call that may have changed the world."""

    effect_id: UUID
    project_id: str
    agent_id: str
    gateway_id: str
    tool_name: str
    environment: str
    outcome: Outcome
    error_code: str | None
    note: str
    actor: str
    run_id: UUID | None
    resolved_by: str | None
    claimed_at: datetime
    expires_at: datetime
    resolved_at: datetime | None


class EffectPage(BaseModel):
    """Some effects, newest first. ``next`` is the address of the following page, or null."""

    effects: list[EffectTold]
    next: str | None


class SwitchTold(BaseModel):
    """A kill switch; the platform's has no project."""

    switch_id: UUID
    project_id: str | None
    level: Level
    key: str
    reason: str
    thrown_by: str
    armed_at: datetime
    thrown_at: datetime | None
    lifted_by: str | None
    lifted_at: datetime | None


class Switches(BaseModel):
    """The kill switches that are thrown, and the newest of those that were lifted."""

    thrown: list[SwitchTold]
    lifted: list[SwitchTold]
