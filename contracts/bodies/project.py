"""The project contract: a tenant's name, owners, environments, limits and channels."""

import zoneinfo
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from contracts.bodies import reading
from contracts.bodies.reading import Fault
from contracts.bodies.shapes import (
    WHOLE,
    WORDS,
    Body,
    Id,
    ProjectId,
    Reference,
    Unique,
    Usd,
)
from contracts.bodies.shapes import Environment as EnvironmentName

_ZONE = r"^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$"
_USER = r"^[A-Za-z0-9_.@+-]{1,150}$"

WORDS.update(
    {
        _ZONE: "a time zone such as Asia/Taipei",
        _USER: "a user name: 1 to 150 letters, digits, _ . @ + -",
    }
)


class Environment(Body):
    """One place where tools work."""

    name: EnvironmentName
    is_production: bool = True
    description: Annotated[str, Field(max_length=500)] = ""


class RunLimits(Body):
    """The most that an agent's own limits may be."""

    steps: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 100
    tokens: Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE] = 1_000_000
    usd: Usd = "10.00"
    seconds: Annotated[int, Field(ge=1, le=604_800), WHOLE] = 3_600


class Limits(Body):
    """What the project may use."""

    run: RunLimits = RunLimits()
    usd_per_day: Usd | None = None
    usd_per_month: Usd | None = None
    tokens_per_day: Annotated[int, Field(ge=1, le=10**12), WHOLE] | None = None
    concurrent_runs: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 100


class Channel(Body):
    """Where events come from, and who handles them."""

    channel_type: Literal["alertmanager", "slack", "telegram", "webhook"]
    agent_id: Id
    is_active: bool = True
    credential_ref: Reference | None = None
    chat_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=200), Unique()
    ] = []


class Project(Body):
    """The body of a project contract."""

    project_id: ProjectId
    display_name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=2_000)] = ""
    time_zone: Annotated[str, StringConstraints(pattern=_ZONE, max_length=64)] = "UTC"
    migration_mode: (
        Literal["legacy_awoooi_default", "shadow", "suggest", "canary", "active"] | None
    ) = None
    owners: Annotated[
        list[Annotated[str, StringConstraints(pattern=_USER)]], Field(max_length=50), Unique()
    ] = []
    environments: Annotated[list[Environment], Field(min_length=1, max_length=20)] = [
        Environment(name="production")
    ]
    limits: Limits = Limits()
    channels: Annotated[list[Channel], Field(max_length=20)] = []


def beyond(body: Any) -> Iterator[Fault]:
    """Yield what a schema cannot say: names once, and a time zone that exists."""
    yield from reading.twice(body, ("environments",), "name")
    yield from reading.twice(body, ("channels",), "channel_type")
    for at, zone in reading.every(body, "time_zone"):
        if isinstance(zone, str) and not _exists(zone):
            yield Fault(at, "is not a time zone that we know; write one such as Asia/Taipei")


def _exists(zone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True
