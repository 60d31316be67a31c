"""Limits, as operators set and clear them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import models

from awooop.errors import Code, Invalid
from awooop.kit.db import in_tx
from awooop.ledger import amounts
from awooop.ledger.models import Budget, Level, Period

_MOST_USD = Decimal(10**9)
_MOST_TOKENS = 10**15


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
def put(project_id: str, place: Place, limit: Limit, *, actor: str, at: datetime) -> Limit | None:
    """Set a limit of the transaction's project; return the one that stood there.

    :raises Invalid: a period that the level does not have, no amount, or no limit at all.
    """
    _refuse_misplaced(place)
    usd = None if limit.usd is None else amounts.usd(limit.usd, most=_MOST_USD)
    tokens = None if limit.tokens is None else amounts.tokens(limit.tokens, most=_MOST_TOKENS)
    if usd is None and tokens is None:
        raise Invalid(Code.AMOUNT_INVALID, "name USD, tokens or both; clear a limit to have none")
    before = _standing(project_id, place)
    Budget.objects.bulk_create(
        [
            Budget(
                project_id=project_id,
                scope=place.scope,
                agent_id=place.agent_id,
                period=place.period,
                limit_usd=usd,
                limit_tokens=tokens,
                changed_by=actor[:150],
                changed_at=at,
            )
        ],
        update_conflicts=True,
        unique_fields=["project_id", "scope", "agent_id", "period"],
        update_fields=["limit_usd", "limit_tokens", "changed_by", "changed_at"],
    )
    return before


@in_tx
def clear(project_id: str, place: Place) -> Limit | None:
    """Take a limit away; return the one that stood there, or None when there was none."""
    before = _standing(project_id, place)
    _at(project_id, place).delete()
    return before


def _at(project_id: str, place: Place) -> models.QuerySet[Budget]:
    return Budget.objects.filter(
        project_id=project_id, scope=place.scope, agent_id=place.agent_id, period=place.period
    )


def _standing(project_id: str, place: Place) -> Limit | None:
    found = _at(project_id, place).select_for_update().first()
    return Limit(found.limit_usd, found.limit_tokens) if found else None


def _refuse_misplaced(place: Place) -> None:
    if (place.scope is Level.RUN) is not (place.period is Period.TOTAL):
        raise Invalid(
            Code.AMOUNT_INVALID,
            "a run is limited in total; projects and agents by the day or the month",
        )
    if (place.scope is Level.PROJECT and place.agent_id) or len(place.agent_id) > 100:
        raise Invalid(Code.AMOUNT_INVALID, f"{place.agent_id!r:.110} cannot be limited there")
