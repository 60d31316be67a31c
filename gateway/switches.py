"""Kill switches: after one is thrown no upstream call starts, whatever was judged before.

Two steps (ADR 0017): armed, every call judged from then on is refused; thrown, the permits of
those judged before have run out. A permit lasts :data:`PERMIT_SECONDS`.
"""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Invalid, NotFound
from awooop.kit import redaction
from awooop.kit.db import global_tx, in_tx, tenant_tx
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import projects
from gateway.models import Level, PlatformSwitch, Switch

PERMIT_SECONDS = 0.25
_ON_THE_WAY_SECONDS = 0.25  # from a permit that was judged just in time to the wire, on a busy day
_LONGEST_REASON = 300
_LONGEST_KEY = 301


@dataclass(frozen=True, slots=True)
class Thrown:
    """A switch that stops calls: its level, and the agent or the tool it names."""

    level: Level
    key: str
    reason: str = ""


def throw(
    level: Level, *, project_id: str, key: str = "", reason: str, actor: str, at: datetime
) -> UUID:
    """Throw a switch and return once no call that it stops can start any more.

    Opens its own transactions. Thrown twice, there are two, and each must be lifted.

    :param project_id: :data:`awooop.kit.tenancy.PLATFORM` for the whole platform.
    :param key: the agent's id; or the tool as agents know it.
    :raises Invalid: the level needs a key, or takes none.
    :raises NotFound: there is no such project.
    """
    if bool(key) != (level in (Level.AGENT, Level.TOOL)) or len(key) > _LONGEST_KEY:
        raise Invalid(Code.BODY_INVALID, f"a switch of the level {level} needs its own key only")
    if (project_id == PLATFORM) != (level is Level.PLATFORM):
        raise Invalid(Code.BODY_INVALID, "only the platform's switch has no project")
    told = redaction.excerpt(reason, _LONGEST_REASON)
    with _tx(project_id):
        switch = _arm(project_id, level, key, told, actor, at)
    settle()
    with _tx(project_id):
        _mark_thrown(project_id, switch)
    return switch


def settle() -> None:
    """Wait until nothing that was judged before can start a call any more."""
    time.sleep(PERMIT_SECONDS + _ON_THE_WAY_SECONDS)


def lift(switch_id: UUID, *, project_id: str, actor: str, at: datetime) -> None:
    """Lift a switch. Opens its own transaction.

    :raises NotFound: no such switch is thrown here.
    """
    with _tx(project_id):
        _lift(project_id, switch_id, actor=actor, at=at)


def stopping(switches: Iterable[Thrown], *, agent_id: str) -> Thrown | None:
    """Return the first of a project's open switches that stops whatever an agent calls."""
    for switch in switches:
        match switch.level:
            case Level.PLATFORM | Level.PROJECT:
                return switch
            case Level.AGENT if switch.key == agent_id:
                return switch
    return None


def stopping_tool(switches: Iterable[Thrown], *, tool: str) -> Thrown | None:
    """Return the first of a project's open switches that stops one tool alone."""
    return next((each for each in switches if (each.level, each.key) == (Level.TOOL, tool)), None)


@in_tx
def _arm(project_id: str, level: Level, key: str, reason: str, actor: str, at: datetime) -> UUID:
    if project_id == PLATFORM:
        row = PlatformSwitch.objects.create(reason=reason, thrown_by=actor[:150], armed_at=at)
        made = row.switch_id
    else:
        projects.get(project_id)
        made = Switch.objects.create(
            project_id=project_id,
            level=level,
            key=key,
            reason=reason,
            thrown_by=actor[:150],
            armed_at=at,
        ).switch_id
    facts = {"level": level.value, "key": key, "reason": reason}
    _record(Act.SWITCH_THROWN, project_id, made, actor, facts)
    return made


def _open(project_id: str, switch_id: UUID) -> Any:
    model: Any = PlatformSwitch if project_id == PLATFORM else Switch
    return model.objects.filter(switch_id=switch_id, lifted_at=None)


@in_tx
def _mark_thrown(project_id: str, switch_id: UUID) -> None:
    _open(project_id, switch_id).update(thrown_at=timezone.now())


@in_tx
def _lift(project_id: str, switch_id: UUID, *, actor: str, at: datetime) -> None:
    if not _open(project_id, switch_id).update(lifted_by=actor[:150], lifted_at=at):
        raise NotFound(Code.SWITCH_UNKNOWN)
    _record(Act.SWITCH_LIFTED, project_id, switch_id, actor, {})


def _record(act: Act, project_id: str, switch_id: UUID, actor: str, facts: dict[str, str]) -> None:
    target = ("kill switch", str(switch_id))
    sink.record(project_id, act, actor=actor, target=target, facts=facts)


def _tx(project_id: str) -> AbstractContextManager[None]:
    return global_tx() if project_id == PLATFORM else tenant_tx(project_id)
