"""The mcp_gateway contract: a provider of tools, how it is reached, and what its tools may do."""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from contracts.bodies import reading
from contracts.bodies.reading import Fault
from contracts.bodies.shapes import (
    WHOLE,
    WORDS,
    ArgumentRule,
    Body,
    Closed,
    Environment,
    Name,
    Pointer,
    Reference,
    Scope,
    Sha256,
    ToolName,
    Unique,
    Url,
    Usd,
)

_PROVIDER = r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_HEADER = r"^[A-Za-z0-9-]{1,64}$"
_NAMESPACE = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
_ADDRESS = r"^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|[0-9A-Fa-f:.]+)$"
_USER = r"^[a-z_][a-z0-9_-]{0,31}$"
_FINGERPRINT = r"^SHA256:[A-Za-z0-9+/]{43}$"
_NETWORK = r"^[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?$"
_ARGUMENT = r"^[A-Za-z0-9_.-]{1,100}$"

WORDS.update(
    {
        _PROVIDER: "a-z and 0-9, with single _ or - between them",
        _VARIABLE: "a variable's name: letters, digits and _ , not beginning with a digit",
        _HEADER: "a header's name: letters, digits and -",
        _NAMESPACE: "a namespace: 1 to 63 of a-z 0-9 - , not beginning or ending with -",
        _ADDRESS: "a host name or an IP address",
        _USER: "a user name: 1 to 32 of a-z 0-9 _ - , not beginning with a digit or -",
        _FINGERPRINT: "a fingerprint as ssh-keygen -lf prints it: SHA256: and 43 characters",
        _NETWORK: "an IP address or a network such as 10.0.3.0/24",
        _ARGUMENT: "an argument's name: 1 to 100 letters, digits, _ . -",
    }
)


class StreamableHttp(Body):
    """An MCP server at an address."""

    kind: Literal["streamable_http"]
    url: Url
    credential_header: Annotated[str, StringConstraints(pattern=_HEADER)] = "Authorization"


class Stdio(Body):
    """An MCP server that the platform starts."""

    kind: Literal["stdio"]
    command: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1_000)]],
        Field(min_length=1, max_length=64),
    ]
    environment: Annotated[
        dict[Annotated[str, StringConstraints(pattern=_VARIABLE)], Reference],
        Field(max_length=50),
        Closed(),
    ] = {}


class Kubernetes(Body):
    """The built-in provider for a cluster."""

    kind: Literal["kubernetes"]
    namespaces: Annotated[
        list[Annotated[str, StringConstraints(pattern=_NAMESPACE)]],
        Field(min_length=1, max_length=200),
        Unique(),
    ]
    api_server: Url | None = None


class Host(Body):
    """One host of the built-in SSH provider."""

    name: Name
    address: Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535), WHOLE] = 22
    user: Annotated[str, StringConstraints(pattern=_USER)]
    host_key_sha256: Annotated[str, StringConstraints(pattern=_FINGERPRINT)]


class Ssh(Body):
    """The built-in provider for hosts."""

    kind: Literal["ssh"]
    hosts: Annotated[list[Host], Field(min_length=1, max_length=500)]


Transport = Annotated[StreamableHttp | Stdio | Kubernetes | Ssh, Field(discriminator="kind")]


class Annotations(Body):
    """The provider's own hints, under MCP's names."""

    title: Annotated[str, Field(max_length=200)] | None = None
    readOnlyHint: bool | None = None
    destructiveHint: bool | None = None
    idempotentHint: bool | None = None
    openWorldHint: bool | None = None


class Probe(Body):
    """A tool that tells whether a call took effect."""

    tool_name: ToolName
    arguments: Annotated[
        dict[Annotated[str, StringConstraints(pattern=_ARGUMENT)], Pointer],
        Field(max_length=50),
        Closed(),
    ] = {}
    executed_when: Annotated[list[ArgumentRule], Field(min_length=1, max_length=20)]


class Tool(Body):
    """One tool, and what it does to the world."""

    tool_name: ToolName
    description: Annotated[str, Field(max_length=10_000)] = ""
    is_destructive: bool
    scope: Scope
    environments: (
        Annotated[list[Environment], Field(min_length=1, max_length=20), Unique()] | None
    ) = None
    description_sha256: Sha256 | None = None
    annotations: Annotations | None = None
    arguments: Annotated[list[ArgumentRule], Field(max_length=50)] = []
    usd_per_call: Usd = "0"
    probe: Probe | None = None


class Gateway(Body):
    """The body of an mcp_gateway contract."""

    provider: Annotated[str, StringConstraints(pattern=_PROVIDER, max_length=40)]
    description: Annotated[str, Field(max_length=2_000)] = ""
    transport: Transport | None = None
    credential_ref: Reference | None = None
    private_addresses: Annotated[
        list[Annotated[str, StringConstraints(pattern=_NETWORK)]], Field(max_length=50), Unique()
    ] = []
    timeout_seconds: Annotated[int, Field(ge=1, le=300), WHOLE] = 30
    concurrent_calls: Annotated[int, Field(ge=1, le=100), WHOLE] = 10
    plain_names: bool = False
    tools: Annotated[list[Tool], Field(max_length=500)]


def beyond(body: Any) -> Iterator[Fault]:
    """Yield what a schema cannot say: names once, real networks, probes that only read."""
    yield from reading.twice(body, ("tools",), "tool_name")
    yield from reading.twice(body, ("transport", "hosts"), "name")
    for rules in (("arguments",), ("probe", "executed_when")):
        yield from reading.unfit_rules(body, ("tools", "*", *rules, "*"))
    for at, network in reading.every(body, "private_addresses", "*"):
        if not _is_network(network):
            yield Fault(at, "is not a network; an address of it may have no bits beyond its mask")
    yield from _probes(body)


def _is_network(text: Any) -> bool:
    try:
        ipaddress.ip_network(text)
    except (ValueError, TypeError):
        return False
    return True


def _probes(body: Any) -> Iterator[Fault]:
    reads = {
        tool.get("tool_name")
        for _, tool in reading.every(body, "tools", "*")
        if isinstance(tool, dict)
        and isinstance(tool.get("tool_name"), str)
        and tool.get("scope") == "read"
        and tool.get("is_destructive") is False
    }
    for at, name in reading.every(body, "tools", "*", "probe", "tool_name"):
        if isinstance(name, str) and name not in reads:
            yield Fault(at, "must be a tool of this contract with scope read, not destructive")
