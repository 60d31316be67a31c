"""What a provider promises the gateway, and what the gateway gives it to work with."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from awooop.errors import Code

Progress = Callable[[float, float | None, str | None], Awaitable[None]]


class Failed(Exception):
    """A call that got no usable answer.

    :param sent: whether the upstream may have begun to act; without it, nothing has happened.
    :param detail: for people; never a credential, never an upstream's words unredacted.
    """

    def __init__(self, code: Code, detail: str = "", *, sent: bool) -> None:
        super().__init__(f"{code.value}: {detail or code.title}")
        self.code, self.detail, self.sent = code, detail or code.title, sent


class Expired(Failed):
    """A call's permit ran out before its first byte went out; it may be asked for again."""

    def __init__(self) -> None:
        super().__init__(Code.UPSTREAM_BUSY, "the call could not start in time", sent=False)


class Secret:
    """A credential, for the time of one call. It does not show itself, and does not pickle.

    :param version: tells two values apart without telling either.
    """

    __slots__ = ("_value", "version")

    def __init__(self, value: str, *, version: str) -> None:
        self._value, self.version = value, version

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not to be copied anywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How one gateway contract's server is reached, by one project, with one credential.

    :param transport: the contract's ``transport``.
    :param body_hash: of the contract's body: another body, another session.
    :param concurrent: calls that may be in flight at once.
    :param secrets: what references in the transport (a stdio server's environment) resolved to.
    """

    project_id: str
    gateway_id: str
    body_hash: str
    transport: Mapping[str, Any] = field(repr=False)
    private_addresses: tuple[str, ...] = ()
    concurrent: int = 10
    credential: Secret | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Secret, ...]:
        """Every secret that the server gets to see."""
        own = () if self.credential is None else (self.credential,)
        return (*own, *self.secrets.values())

    @property
    def session_key(self) -> tuple[str, ...]:
        """What two calls must have in common to share a session."""
        versions = [self.credential.version if self.credential else ""]
        versions += [f"{name}={each.version}" for name, each in sorted(self.secrets.items())]
        return (self.project_id, self.gateway_id, self.body_hash, *versions)


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to start a call, until a moment of ``time.monotonic``; see ADR 0017.

    A kill switch waits until every permit of before has run out.
    """

    until: float

    def check(self) -> None:
        """Stand directly before the first byte goes out.

        :raises Expired: nothing was sent.
        """
        if time.monotonic() >= self.until:
            raise Expired


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what a server says while it works on a call: MCP's log messages.

    :param level: the least severity that is of interest.
    :param tell: is told severity, logger and text; runs on the hub's loop and must not block it.
    :param clean: makes logger and data fit to be told, before anything is kept of them.
    """

    level: str
    tell: Callable[[str, str | None, str], Awaitable[None]]
    clean: Callable[[Any, Any], tuple[str | None, str]] = lambda logger, data: (None, "")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server says it offers.

    :param tools: definitions as MCP spells them: name, title, description, inputSchema,
        outputSchema, annotations, _meta.
    :param faults: what could not be listed, for people.
    :param logs: whether it announces log messages.
    """

    server_name: str = ""
    server_version: str = ""
    instructions: str = field(default="", repr=False)
    tools: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    faults: tuple[str, ...] = ()
    logs: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered, unredacted, at most :data:`MOST_BYTES` of JSON.

    :param content: MCP content blocks as JSON objects.
    """

    content: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    structured: Mapping[str, Any] | None = field(default=None, repr=False)
    is_error: bool = False


MOST_BYTES = 4 * 1024 * 1024  # of one answer or one list, as they come over the wire, unpacked


class Provider(Protocol):
    """One connection to one target. All of it runs on the hub's event loop."""

    async def tools(self) -> Listing:
        """List what is offered.

        :raises Failed: it cannot be listed.
        """

    async def ready(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Connect to what a call is for: a first connection may outlive a permit.

        :raises Failed: it cannot be reached, or the arguments do not fit; nothing was sent.
        """

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        permit: Permit,
        progress: Progress | None,
        listener: Listener | None = None,
    ) -> Answer:
        """Call a tool once; cancelling the task cancels the call.

        :raises Failed: no usable answer came.
        """

    async def close(self) -> None:
        """Let go of what is held."""
