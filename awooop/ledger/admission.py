"""The first line of defence: no new work for a period whose money is spent."""

from dataclasses import dataclass

from awooop.errors import Code, Exhausted
from awooop.ledger.models import Level, Period

# One row when the project or the agent has spent a limit of the present day or month: the level,
# the period, the seconds to its end. Takes project_id and agent_id; the longest wait is told.
SPENT = """
SELECT l.level, l.period,
       ceil(extract(epoch FROM (
         l.starts_on + CASE l.period WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END
       ) AT TIME ZONE p.time_zone - clock_timestamp()))::int AS wait
  FROM awooop_projects p,
       LATERAL (SELECT (clock_timestamp() AT TIME ZONE p.time_zone)::date AS day) today,
       LATERAL awooop_budget_standing(p.project_id, %(agent_id)s::text, NULL, today.day,
                                      date_trunc('month', today.day)::date) l
 WHERE p.project_id = %(project_id)s
   AND (l.spent_usd >= l.limit_usd OR l.spent_tokens >= l.limit_tokens)
 ORDER BY wait DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Whose money of which period is spent, and how long until there is more."""

    level: Level
    period: Period
    retry_after: int


def refusal(spent: Spent) -> Exhausted:
    """Return what a door answers to whoever wants work done nevertheless."""
    return Exhausted(
        Code.BUDGET_SPENT,
        f"the {spent.level.value}'s budget of this {spent.period.value} is spent",
        level=spent.level.value,
        period=spent.period.value,
        retry_after=max(1, spent.retry_after),
    )
