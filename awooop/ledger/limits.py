"""Limits, as operators set and clear them; each change leaves its evidence."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Invalid, NotFound
from awooop.kit import redaction
from awooop.kit.db import in_tx
from awooop.ledger import amounts
from awooop.ledger.models import Budget, Level, Period
from awooop.tenants.models import Project

MOST_USD = Decimal(10**9)
MOST_TOKENS = 10**15
AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a limit stands; an empty agent means each one."""

    scope: Level
    period: Period
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much; None means as much as one likes."""

    usd: Decimal | None = None
    tokens: int | None = None


@in_tx
def standing(project_id: str, place: Place) -> Limit | None:
    """Return the limit that stands at a place, and keep it so until the transaction ends.

    :raises NotFound: no such project.
    """
    locked = Project.objects.select_for_update(no_key=True).filter(project_id=project_id)
    if locked.first() is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {redaction.excerpt(project_id, 80)!r}")
    found = _at(project_id, place).first()
    return Limit(found.limit_usd, found.limit_tokens) if found else None


@in_tx
def put(project_id: str, place: Place, limit: Limit, *, actor: str, at: datetime) -> Limit | None:
    """Set a limit of the transaction's project; return the one that stood there.

    :raises NotFound: no such project.
    :raises Invalid: a period that the level does not have, no amount, or no limit at all.
    """
    limit = checked(place, limit)
    before = standing(project_id, place)
    if before == limit:
        return before
    Budget.objects.bulk_create(
        [
            Budget(
                project_id=project_id,
                scope=place.scope,
                agent_id=place.agent_id,
                period=place.period,
                limit_usd=limit.usd,
                limit_tokens=limit.tokens,
                changed_by=actor[:150],
                changed_at=at,
            )
        ],
        update_conflicts=True,
        unique_fields=["project_id", "scope", "agent_id", "period"],
        update_fields=["limit_usd", "limit_tokens", "changed_by", "changed_at"],
    )
    _record(project_id, place, before, limit, actor=actor)
    return before


@in_tx
def clear(project_id: str, place: Place, *, actor: str) -> Limit | None:
    """Take a limit away; return the one that stood there, or None when there was none.

    :raises NotFound: no such project.
    :raises Invalid: a place where no limit can stand.
    """
    _refuse_misplaced(place)
    before = standing(project_id, place)
    if before is not None:
        _at(project_id, place).delete()
        _record(project_id, place, before, None, actor=actor)
    return before


def checked(place: Place, limit: Limit) -> Limit:
    """Return a limit as it would be kept.

    :raises Invalid: as :func:`put`.
    """
    _refuse_misplaced(place)
    usd = None if limit.usd is None else amounts.usd(limit.usd, most=MOST_USD)
    tokens = None if limit.tokens is None else amounts.tokens(limit.tokens, most=MOST_TOKENS)
    if usd is None and tokens is None:
        raise Invalid(Code.AMOUNT_INVALID, "name USD, tokens or both; clear a limit to have none")
    return Limit(usd, tokens)


def _at(project_id: str, place: Place) -> models.QuerySet[Budget]:
    return Budget.objects.filter(
        project_id=project_id, scope=place.scope, agent_id=place.agent_id, period=place.period
    )


def _refuse_misplaced(place: Place) -> None:
    if (place.scope is Level.RUN) is not (place.period is Period.TOTAL):
        raise Invalid(
            Code.AMOUNT_INVALID,
            "a run is limited in total; projects and agents by the day or the month",
        )
    if place.agent_id and (place.scope is Level.PROJECT or not AGENT.fullmatch(place.agent_id)):
        raise Invalid(
            Code.AMOUNT_INVALID,
            f"{redaction.excerpt(place.agent_id, 100)!r} cannot be limited there",
        )


def _record(
    project_id: str, place: Place, was: Limit | None, now: Limit | None, *, actor: str
) -> None:
    name = ":".join(
        part for part in (place.scope.value, place.agent_id, place.period.value) if part
    )
    sink.record(
        project_id,
        Act.BUDGET_SET,
        actor=actor,
        target=("budget", name),
        facts={"was": _told(was), "now": _told(now)},
    )


def _told(limit: Limit | None) -> dict[str, Any] | None:
    return None if limit is None else {"usd": limit.usd, "tokens": limit.tokens}
