"""What goes through the REST doors of budgets."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from awooop.ledger import queries
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Kind, Level, Period
from awooop.tenants.models import PROJECT_ID

Usd = Annotated[str, Field(pattern=r"^\d{1,10}(\.\d{1,10})?$", description="Decimal, as text.")]


ProjectId = Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")]


class Where(BaseModel):
    """Where a limit stands."""

    model_config = ConfigDict(extra="forbid")

    scope: Level
    period: Period = Field(description="day or month; total for the scope run")
    agent_id: str = Field(default="", max_length=100, description="Empty: each agent by itself.")

    def place(self) -> Place:
        """Return it as the ledger names it."""
        return Place(scope=self.scope, period=self.period, agent_id=self.agent_id)


class PutLimit(Where):
    """A limit: USD, tokens or both."""

    limit_usd: Usd | None = None
    limit_tokens: StrictInt | None = Field(default=None, ge=0)

    def limit(self) -> Limit:
        """Return it as the ledger keeps it."""
        usd = None if self.limit_usd is None else Decimal(self.limit_usd)
        return Limit(usd, self.limit_tokens)


class Nothing(BaseModel):
    """A query without anything."""

    model_config = ConfigDict(extra="forbid")


class ListAsked(Nothing):
    """The query of a list."""

    per_page: int = Field(default=queries.PER_PAGE, ge=1, le=queries.MOST_PER_PAGE)


class ProjectsAsked(ListAsked):
    """The query of the list of budgets."""

    project_id: ProjectId | None = None
    cursor: str = Field(default="", max_length=64, pattern=r"^[^\x00]*$")


class LimitsAsked(ListAsked):
    """The query of a project's limits."""

    cursor: str = Field(default="", max_length=150, pattern=r"^([a-z]+:[a-z]+:[^\x00]*)?$")

    def after(self) -> tuple[str, str, str]:
        """Return scope, agent and period of the last limit seen."""
        scope, period, agent_id = (self.cursor or "::").split(":", 2)
        return scope, agent_id, period


def limit_cursor(scope: str, agent_id: str, period: str) -> str:
    """Return where the limits after this one begin."""
    return f"{scope}:{period}:{agent_id}"


class EntriesAsked(ListAsked):
    """The query of a project's ledger."""

    cursor: UUID | None = None


class Counted(BaseModel):
    """A limit and what was counted against it; null is no limit."""

    limit_usd: str | None
    spent_usd: str
    reserved_usd: str
    left_usd: str | None
    limit_tokens: int | None
    spent_tokens: int
    reserved_tokens: int
    left_tokens: int | None


class PeriodTold(Counted):
    """A day or a month, in the project's time zone."""

    starts_on: date
    calls: int


class BudgetTold(BaseModel):
    """A project's present day and month."""

    project_id: str
    display_name: str
    time_zone: str
    ceiling_usd: str | None = Field(description="A month's limit that the platform set.")
    day: PeriodTold
    month: PeriodTold


class BudgetPage(BaseModel):
    """Some projects by name. ``next`` is the address of the following page, or null."""

    budgets: list[BudgetTold]
    next: str | None


class AgentTold(BaseModel):
    """An agent's present day and month."""

    agent_id: str
    day: PeriodTold
    month: PeriodTold


class DayTold(BaseModel):
    """What one day cost."""

    day: date
    spent_usd: str
    spent_tokens: int
    calls: int


class AlertTold(BaseModel):
    """A share of a limit that was reached."""

    level: Level
    key: str = Field(description="The agent or the run; empty for the project.")
    period: Period
    starts_on: date
    threshold: int = Field(description="50, 80 or 95 per cent")
    at: datetime


class BudgetReport(BudgetTold):
    """A project's budget: the 50 agents that spent most, 31 days, the 50 newest alerts."""

    agents: list[AgentTold]
    days: list[DayTold]
    alerts: list[AlertTold]


class LimitTold(BaseModel):
    """A limit that an admin set."""

    scope: Level
    agent_id: str
    period: Period
    limit_usd: str | None
    limit_tokens: int | None
    counted: Counted | None = Field(description="null for a limit of each agent or run by itself")
    changed_by: str
    changed_at: datetime


class LimitPage(BaseModel):
    """Some limits. ``next`` is the address of the following page, or null."""

    limits: list[LimitTold]
    next: str | None


class EntryTold(BaseModel):
    """A line of the ledger; it never changes."""

    entry_id: UUID
    kind: Kind
    reservation_id: UUID
    run_id: UUID | None
    agent_id: str
    day: date
    usd: str
    tokens: int
    purpose: str
    refused_level: Level | None
    refused_period: Period | None
    actor: str
    at: datetime


class EntryPage(BaseModel):
    """Some entries, newest first. ``next`` is the address of the following page, or null."""

    entries: list[EntryTold]
    next: str | None


class LimitNow(BaseModel):
    """How much a limit allows."""

    limit_usd: str | None
    limit_tokens: int | None


class Changed(BaseModel):
    """What a change of a limit changed; null is no limit."""

    project_id: str
    scope: Level
    agent_id: str
    period: Period
    was: LimitNow | None
    now: LimitNow | None
