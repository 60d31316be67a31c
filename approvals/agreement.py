"""How often people agreed with what was proposed: by agent and tool, lately."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from awooop.kit import ids
from awooop.kit.db import EVERYONE, Pipe, Scope

DAYS = 30
LAST = 100  # requests of one agent for one tool; older ones are forgotten
MOST = 500

# An edited request is one with its edit: the last of them says what people made of the proposal.
_LATELY = """
WITH lately AS MATERIALIZED (
  SELECT a.*, row_number() OVER (PARTITION BY a.project_id, a.agent_id, a.tool_name
                                 ORDER BY a.approval_id DESC) AS nth
    FROM awooop_projects w CROSS JOIN LATERAL (
      SELECT r.project_id, r.agent_id, r.tool_name, r.approval_id, r.standing, r.is_edited
        FROM awooop_approval r
       WHERE r.project_id = w.project_id AND r.approval_id >= %s
         AND NOT EXISTS (SELECT FROM awooop_approval e
                          WHERE e.project_id = r.project_id AND e.edited_from = r.approval_id)) a
   WHERE {among}
)
SELECT project_id, agent_id, tool_name, count(*),
       count(*) FILTER (WHERE standing = 'approved' AND NOT is_edited),
       count(*) FILTER (WHERE standing = 'approved' AND is_edited),
       count(*) FILTER (WHERE standing = 'rejected'),
       count(*) FILTER (WHERE standing = 'expired'),
       count(*) FILTER (WHERE standing = 'withdrawn'),
       count(*) FILTER (WHERE standing = 'pending')
  FROM lately WHERE nth <= %s
 GROUP BY project_id, agent_id, tool_name ORDER BY project_id, agent_id, tool_name LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What people made of an agent's proposals to use one tool.

    :param approved: as they were proposed; ``edited`` were approved after somebody changed them.
    """

    project_id: str
    agent_id: str
    tool_name: str
    asked: int
    approved: int
    edited: int
    rejected: int
    expired: int
    withdrawn: int
    pending: int

    @property
    def share(self) -> float | None:
        """Which part of what people decided they approved as it was; None of nothing."""
        decided = self.approved + self.edited + self.rejected
        return round(self.approved / decided, 4) if decided else None


def of(p: Pipe, scope: Scope, *, at: datetime) -> list[Agreement]:
    """Return how it stands in the projects of a scope, in the pipe's open transaction."""
    p.plan_each()
    among, given = (
        ("true", []) if scope == EVERYONE else ("w.project_id = ANY (%s)", [sorted(scope)])
    )
    since = ids.floor_id(at - timedelta(days=DAYS))
    params: list[Any] = [since, *given, LAST, MOST]
    return [Agreement(*row) for row in p.send(_LATELY.format(among=among), params).fetchall()]
