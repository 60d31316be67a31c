"""The policy contract: what needs a human, how many, and how far the project trusts itself."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints

from awooop.kit.redaction import policy as redaction
from contracts.bodies import reading
from contracts.bodies.reading import Fault
from contracts.bodies.shapes import (
    WHOLE,
    WORDS,
    ArgumentRule,
    Body,
    Closed,
    Environment,
    Id,
    Name,
    Reference,
    Scope,
    ToolName,
    Unique,
    Url,
)

_GLOB = r"^[A-Za-z0-9_.-]*\*?[A-Za-z0-9_.-]*$"
_PATTERN_NAME = r"^[a-z][a-z0-9_]{0,23}$"
_CHAT = r"^(?:-?[1-9][0-9]{0,19}|@[A-Za-z0-9_]{5,32})$"
_SLACK = r"^[A-Z0-9]{2,20}$"

WORDS.update(
    {
        _GLOB: "a tool's name, with at most one * for any run of characters",
        _PATTERN_NAME: "1 to 24 of a-z 0-9 _ , beginning with a letter",
        _CHAT: "a chat's number, or @ and its name",
        _SLACK: "a channel's id such as C0123456789",
    }
)

Risk = Literal["low", "medium", "high", "critical"]
Event = Literal[
    "approval_waiting",
    "budget_threshold",
    "budget_exhausted",
    "contract_activated",
    "contract_tampered",
    "kill_switch",
    "outcome_unknown",
    "run_failed",
]
EVENTS: list[Event] = list(get_args(Event))
_Signers = Annotated[int, Field(ge=1, le=10), WHOLE]
_Calls = Annotated[int, Field(ge=1, le=100_000), WHOLE]
_Glob = Annotated[str, StringConstraints(pattern=_GLOB, min_length=1, max_length=128)]


class RiskByScope(Body):
    """How risky a call counts when no rule says it."""

    read: Risk = "low"
    write: Risk = "medium"
    admin: Risk = "high"


class Rule(Body):
    """One exception; it matches when all its conditions hold."""

    name: Name
    decision: Literal["needs_approval", "no_approval", "refused"]
    risk: Risk | None = None
    scopes: Annotated[list[Scope], Field(max_length=3), Unique()] = []
    tools: Annotated[list[_Glob], Field(max_length=100), Unique()] = []
    environments: Annotated[list[Environment], Field(max_length=20), Unique()] = []
    agents: Annotated[list[Id], Field(max_length=100), Unique()] = []
    arguments: Annotated[list[ArgumentRule], Field(max_length=20)] = []


class Approval(Body):
    """Which calls wait for a human."""

    required_scopes: Annotated[list[Scope], Field(max_length=3), Unique()] = ["write", "admin"]
    expires_seconds: Annotated[int, Field(ge=60, le=604_800), WHOLE] = 3_600
    requester_may_approve: bool = False
    risk_by_scope: RiskByScope = RiskByScope()
    rules: Annotated[list[Rule], Field(max_length=200)] = []


class Quorum(Body):
    """How many different people must say yes."""

    low: _Signers = 1
    medium: _Signers = 1
    high: _Signers = 2
    critical: _Signers = 2
    activation: _Signers = 2


class Shadow(Body):
    """What shadow runs do."""

    reads: Literal["simulate", "execute"] = "simulate"


class RateOverride(Body):
    """Another limit for particular agents or tools."""

    agent_id: Id | None = None
    tool_name: ToolName | None = None
    mcp_gateway_id: Id | None = None
    per_minute: Annotated[int, Field(ge=0, le=100_000), WHOLE]


class RateLimits(Body):
    """How often tools may be called."""

    per_agent_per_minute: _Calls = 1_200
    per_tool_per_minute: _Calls = 600
    overrides: Annotated[list[RateOverride], Field(max_length=200)] = []


class Canary(Body):
    """What canary mode does."""

    percent: Annotated[int, Field(ge=0, le=100), WHOLE] = 0


class Redaction(Body):
    """What is hidden in addition to what always is."""

    classes: Annotated[list[Literal["ipv4"]], Field(max_length=1), Unique()] = []
    patterns: Annotated[
        dict[
            Annotated[str, StringConstraints(pattern=_PATTERN_NAME)],
            Annotated[str, Field(min_length=1, max_length=200)],
        ],
        Field(max_length=50),
        Closed(),
    ] = {}
    names: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200), Unique()
    ] = []


class _Target(Body):
    name: Name
    events: Annotated[list[Event], Field(min_length=1, max_length=len(EVENTS)), Unique()] = EVENTS


class Telegram(_Target):
    """A chat."""

    kind: Literal["telegram"]
    chat_id: Annotated[str, StringConstraints(pattern=_CHAT)]


class Slack(_Target):
    """A Slack channel."""

    kind: Literal["slack"]
    channel: Annotated[str, StringConstraints(pattern=_SLACK)]


class Webhook(_Target):
    """An address that takes signed notices."""

    kind: Literal["webhook"]
    url: Url
    credential_ref: Reference | None = None


Target = Annotated[Telegram | Slack | Webhook, Field(discriminator="kind")]


class Alerts(Body):
    """Whom the platform tells."""

    targets: Annotated[list[Target], Field(max_length=20)] = []


class Policy(Body):
    """The body of a policy contract."""

    description: Annotated[str, Field(max_length=2_000)] = ""
    approval: Approval = Approval()
    quorum: Quorum = Quorum()
    shadow: Shadow = Shadow()
    rate_limits: RateLimits = RateLimits()
    canary: Canary = Canary()
    redaction: Redaction = Redaction()
    alerts: Alerts = Alerts()


def beyond(body: Any) -> Iterator[Fault]:
    """Yield what a schema cannot say: names once, patterns that can never be slow."""
    yield from reading.twice(body, ("approval", "rules"), "name")
    yield from reading.twice(body, ("alerts", "targets"), "name")
    yield from reading.unfit_rules(body, ("approval", "rules", "*", "arguments", "*"))
    for at, pattern in reading.every(body, "redaction", "patterns", "*"):
        if isinstance(pattern, str):
            try:
                redaction.checked(str(at[-1]), pattern)
            except redaction.PolicyRefused as reason:
                yield Fault(at, f"cannot be a pattern: {reason}")
