"""What goes through the REST doors of approvals."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from approvals import queries
from approvals.decisions import Decision
from approvals.models import Disposition, Risk, Standing
from approvals.queries import Place
from awooop.tenants.models import PROJECT_ID
from runs.fsm import State

ProjectId = Annotated[str, StringConstraints(pattern=rf"^{PROJECT_ID.pattern}$")]
Reason = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Closed(BaseModel):
    """What takes no other fields."""

    model_config = ConfigDict(extra="forbid")


class ListAsked(Closed):
    """The query of the list of requests."""

    project_id: ProjectId | None = None
    standing: Standing | None = None
    agent_id: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00]+$")
    risk: Risk | None = None
    per_page: int = Field(default=queries.PER_PAGE, ge=1, le=queries.MOST_PER_PAGE)
    cursor: str = Field(default="", max_length=44, pattern=rf"^((waiting|decided)/{_UUID})?$")
    format: Literal["json"] | None = None

    def after(self) -> Place | None:
        """Return where the page before this one ended."""
        part, slash, identity = self.cursor.partition("/")
        return Place(part == "decided", UUID(identity)) if slash else None


class AgreementAsked(Closed):
    """The query of the agreement."""

    project_id: ProjectId | None = None
    format: Literal["json"] | None = None


class Vote(Closed):
    """What a person decides; who they are is what they signed in as."""

    decision: Decision
    reason: Reason = ""


class Edit(Closed):
    """What shall be asked for instead."""

    arguments: dict[str, Any]
    reason: Reason = ""


class Decided(BaseModel):
    """What a decision has led to."""

    run_id: UUID
    decision: Decision
    new_state: State
    approval_token_jti: str | None = Field(
        description="Of the token that a yes is worth; null while more people must say it."
    )
    approval_id: UUID
    votes: int = Field(description="Valid yes votes so far.")
    needed: int


class ApprovalTold(BaseModel):
    """A request: exactly this action, for people to say yes or no to."""

    approval_id: UUID
    project_id: str
    run_id: UUID
    agent_id: str
    gateway_id: str
    tool_name: str
    environment: str
    arguments: dict[str, Any] = Field(description="What would be sent, without secrets.")
    action_sha256: str
    title: str
    description: str
    risk: Risk
    required_signatures: int
    votes: int = Field(description="Yes votes so far.")
    requested_by: str
    blast_radius: dict[str, Any]
    incident_id: UUID | None
    playbook_id: UUID | None
    standing: Standing
    disposition: Disposition
    decided_by: str | None
    reason: str
    is_edited: bool
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class ApprovalPage(BaseModel):
    """Some requests: those that wait before those that do not, the oldest of both first."""

    approvals: list[ApprovalTold]
    next: str | None


class Signature(BaseModel):
    """One person's vote."""

    signer: str
    is_yes: bool
    comment: str
    at: datetime


class Change(BaseModel):
    """One place where an edited request differs: what it ``was`` and is ``now``, where there is."""

    at: str = Field(description="A JSON Pointer into the arguments.")
    was: Any = None
    now: Any = None


class ApprovalDetail(ApprovalTold):
    """A request with its votes, its edits and what became of it."""

    signatures: list[Signature]
    requester_may_approve: bool
    also_asked_by: list[str] = Field(description="They may decide as little as requested_by.")
    ticket_id: str | None = Field(description="The jti of the token that the yes is worth.")
    edited_from: UUID | None
    changes: list[Change] | None = Field(description="Of an edited request; null of others.")
    result: dict[str, Any] | None = Field(description="Of the call that was made, redacted.")


class AgreementTold(BaseModel):
    """What people made of an agent's proposals to use one tool."""

    project_id: str
    agent_id: str
    tool_name: str
    asked: int
    approved: int = Field(description="As they were proposed.")
    edited: int = Field(description="Approved after somebody changed them.")
    rejected: int
    expired: int
    withdrawn: int
    pending: int
    share: float | None = Field(description="Approved as proposed, of all that were decided.")


class Agreements(BaseModel):
    """How often people agreed, lately."""

    agreement: list[AgreementTold]
    days: int
    last: int = Field(description="Requests of one agent for one tool that are counted at most.")
