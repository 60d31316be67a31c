"""What travels through the gateway: a call, what is known of it, and how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from awooop.errors import Code
from awooop.kit import ids
from gateway.models import Status
from gateway.standings import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody wants a tool to be called.

    :param tool: as agents know it, ``{tool}__{provider}``.
    :param actor: as journals name who asks.
    :param home_id: the project the credential belongs to; another one is refused at gate one.
    :param environment: where the tool shall act; empty for the project's only one.
    :param is_shadow: of the call's run, fixed when it was created; None outside a run.
    :param epoch: of the run's lease.
    :param key: the caller's own name for the effect: the same key never has two.
    :param ticket: a human's yes to exactly this call.
    :param look: how the project stood when its credential was looked at, to be read once more.
    """

    project_id: str
    agent_id: str
    tool: str
    arguments: Mapping[str, Any] = field(repr=False)
    actor: str
    home_id: str
    environment: str = ""
    run_id: UUID | None = None
    epoch: int | None = None
    is_shadow: bool | None = None
    trace_id: str = ""
    key: str | None = None
    ticket: str | None = field(default=None, repr=False)
    look: Callable[[], Standing] | None = field(default=None, repr=False, compare=False)
    call_id: UUID = field(default_factory=ids.new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a call ended; what it holds is redacted and cut, fit for an agent and for a journal.

    :param gate: 1 to 5, when a gate stopped it.
    :param content: MCP content blocks as JSON objects.
    :param sha256: of what the tool answered, as it came.
    :param size: of that, in bytes of JSON.
    :param asked: the request for a human's yes that the call has become.
    """

    call_id: UUID
    status: Status
    code: Code | None = None
    gate: int | None = None
    reason: str = ""
    content: tuple[Mapping[str, Any], ...] = ()
    structured: Mapping[str, Any] | None = None
    is_error: bool = False
    sha256: str | None = None
    size: int = 0
    latency_ms: int = 0
    retry_after: int | None = None
    asked: "Asked | None" = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits for a human.

    :param run_id: the run that goes on once there is a yes.
    :param link: the request's page, for people.
    """

    approval_id: UUID
    run_id: UUID
    expires_at: datetime
    link: str
