"""A project's budget in a shell: each act answers an object for programs and text for people."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone

from awooop.console import shell
from awooop.console.budgets import figures, telling
from awooop.errors import Code, NotFound
from awooop.kit.db import pipe, tenant_tx
from awooop.ledger import limits, queries
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Level, Period
from awooop.tenants import projects

Told = tuple[dict[str, Any], str]


def show(project_id: str) -> Told:
    """Tell where a project's money stands.

    :raises NotFound: no such project.
    """
    with pipe() as p, p.tenant_tx(project_id):
        pairs, _ = queries.standings(p, project_id=project_id)
        report = queries.report(p, project_id)
        rows, more = queries.limit_page(p, project_id, per_page=queries.MOST_PER_PAGE)
    if not pairs:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {project_id}")
    day, month = pairs[0]
    told = {**telling.report(pairs[0], report), "limits": telling.limit_rows(rows)}
    ceiling = day["ceiling_usd"]
    lines = [
        f"{project_id}: days begin in {day['time_zone']}, "
        + (
            f"at most {figures.exactly(ceiling)} USD a month"
            if ceiling is not None
            else "no ceiling"
        ),
        _line("today", day),
        _line("this month", month),
        *(_limit(row) for row in rows),
        *(["… and more limits; the API lists them all"] if more else []),
    ]
    return told, "\n".join(lines)


def set_limit(
    project_id: str, *, usd: Decimal | None, tokens: int | None, scope: str, period: str, agent: str
) -> Told:
    """Set a limit.

    :raises NotFound: no such project.
    :raises Invalid: no such limit.
    """
    place, now = _place(scope, period, agent), Limit(usd, tokens)
    with tenant_tx(project_id):
        was = limits.put(project_id, place, now, actor=shell.actor(), at=timezone.now())
    return _changed(project_id, place, was, now)


def clear_limit(project_id: str, *, scope: str, period: str, agent: str) -> Told:
    """Clear a limit.

    :raises NotFound: no such project.
    :raises Invalid: a place where no limit can stand.
    """
    place = _place(scope, period, agent)
    with tenant_tx(project_id):
        was = limits.clear(project_id, place, actor=shell.actor())
    return _changed(project_id, place, was, None)


def set_zone(project_id: str, *, zone: str) -> Told:
    """Say where a project's days begin.

    :raises NotFound: no such project.
    :raises Invalid: no such zone.
    """
    with tenant_tx(project_id):
        was, now = projects.set_zone(project_id, zone, actor=shell.actor())
    return {"was": was, "now": now}, f"{project_id}: days begin in {now} (before: {was})"


def set_ceiling(project_id: str, *, usd: Decimal | None) -> Told:
    """Say what a project may spend a month whatever its own limits.

    :raises NotFound: no such project.
    :raises Invalid: no amount.
    """
    with tenant_tx(project_id):
        both = projects.set_ceiling(project_id, usd, actor=shell.actor())
    was, now = map(figures.plain, both)
    text = f"{project_id}: at most {now or 'any'} USD a month (before: {was or 'any'})"
    return {"was": was, "now": now}, text


def _place(scope: str, period: str, agent: str) -> Place:
    return Place(scope=Level(scope), period=Period(period), agent_id=agent)


def _changed(project_id: str, place: Place, was: Limit | None, now: Limit | None) -> Told:
    where = figures.place(place.scope, place.period, place.agent_id)
    told = telling.change(project_id, place, was=was, now=now)
    return told, f"{where}: {_words(was)} -> {_words(now)}"


def _words(limit: Limit | None) -> str:
    return figures.limit(limit.usd, limit.tokens) if limit else figures.limit(None, None)


def _line(name: str, row: Mapping[str, Any]) -> str:
    standing = figures.standing(row)
    limit = figures.limit(row["limit_usd"], row["limit_tokens"])
    return (
        f"  {name:<11} {standing.usd.spent} USD spent, {standing.usd.reserved} reserved, "
        f"{standing.tokens.spent} tokens; limit: {limit}"
    )


def _limit(row: Mapping[str, Any]) -> str:
    where = figures.place(row["scope"], row["period"], row["agent_id"])
    return f"  {where}: {figures.limit(row['limit_usd'], row['limit_tokens'])}"
