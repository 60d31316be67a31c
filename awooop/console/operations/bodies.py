"""What goes through the REST lists of incidents, operations, playbooks and knowledge."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from approvals.operations.models import Kind, Outcome, Playbook, Severity, Stage, Status, Verdict
from awooop.console.gateway import reading
from awooop.console.gateway.bodies import ProjectId

_Known = Literal[Outcome.EXECUTED, Outcome.ERROR, Outcome.UNKNOWN, Outcome.DENIED]
_Judged = Literal[Verdict.VERIFIED, Verdict.FAILED, Verdict.UNVERIFIED]


class Asked(BaseModel):
    """The query of any of these lists."""

    model_config = ConfigDict(extra="forbid")

    project_id: ProjectId | None = None
    per_page: int = Field(default=reading.PER_PAGE, ge=1, le=reading.MOST_PER_PAGE)
    cursor: UUID | None = None

    def wanted(self) -> dict[str, str]:
        """Return the filters that were given, by name."""
        given = self.model_dump(mode="json", exclude_none=True)
        return {name: given[name] for name in given.keys() - Asked.model_fields.keys() - {"q"}}


class IncidentsAsked(Asked):
    """The query of the list of incidents."""

    status: Status | None = None
    severity: Severity | None = None


class OperationsAsked(Asked):
    """The query of the operation log."""

    outcome: _Known | None = None
    verdict: _Judged | None = None


class PlaybooksAsked(Asked):
    """The query of the list of playbooks."""

    standing: Playbook.Standing | None = None


class KnowledgeAsked(Asked):
    """The query of the knowledge: words, quoted phrases, ``or`` and ``-not``."""

    q: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    worked: Literal["yes", "no"] | None = None


class Act(BaseModel):
    """Whose it is, and why it is done."""

    model_config = ConfigDict(extra="forbid")

    project_id: ProjectId
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class IncidentTold(BaseModel):
    """Something that is or was wrong."""

    incident_id: UUID
    project_id: str
    title: str
    category: str
    severity: Severity
    status: Status
    source: str
    source_ref: str | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_id: UUID | None = Field(description="the operation that was verified to help")


class OperationTold(BaseModel):
    """One action: what was asked for, what it was read as, and what came of it."""

    operation_id: UUID
    project_id: str
    approval_id: UUID | None
    run_id: UUID | None
    incident_id: UUID | None
    playbook_id: UUID | None
    rollback_of: UUID | None
    agent_id: str
    kind: Kind
    action: str
    description: str
    gateway_id: str
    tool_name: str
    environment: str
    arguments: dict[str, Any]
    resolution: dict[str, Any] | None
    risk: str
    requested_by: str
    is_auto_approved: bool
    stage: Stage
    outcome: Outcome
    attempts: int
    error_code: str | None
    error: str
    stderr: str
    verdict: Verdict
    verdict_note: str
    effectiveness: int | None
    rollback_note: str
    duration_ms: int | None
    created_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None


class PlaybookTold(BaseModel):
    """An action that helped, and how far it is trusted."""

    playbook_id: UUID
    project_id: str
    name: str
    category: str
    standing: Playbook.Standing
    action: str
    effectiveness: int
    uses: int
    successes: int
    created_at: datetime
    used_at: datetime


class EntryTold(BaseModel):
    """What an operation taught."""

    entry_id: UUID
    project_id: str
    operation_id: UUID
    incident_id: UUID | None
    title: str
    body: str
    category: str
    tags: list[str]
    did_not_work: bool
    created_at: datetime


class IncidentPage(BaseModel):
    """Some incidents, newest first."""

    incidents: list[IncidentTold]
    next: str | None


class OperationPage(BaseModel):
    """Some operations, newest first."""

    operations: list[OperationTold]
    next: str | None


class PlaybookPage(BaseModel):
    """Some playbooks, newest first."""

    playbooks: list[PlaybookTold]
    next: str | None


class KnowledgePage(BaseModel):
    """Some entries, newest first."""

    knowledge: list[EntryTold]
    next: str | None
