"""Kill switches as they stand: those that are open, and those that were."""

from typing import Any
from uuid import UUID

from awooop.console.gateway.reading import Row, told
from awooop.kit.db import Pipe
from awooop.kit.tenancy import PLATFORM

MOST_OPEN = 200
MOST_PAST = 100

COLUMNS = (
    "switch_id",
    "project_id",
    "level",
    "key",
    "reason",
    "thrown_by",
    "armed_at",
    "thrown_at",
    "lifted_by",
    "lifted_at",
)
# The platform's switch stops everybody, so everybody who signs in may read it.
_ALL = f"""
SELECT switch_id, '{PLATFORM}' AS project_id, 'platform' AS level, '' AS key, reason, thrown_by,
       armed_at, thrown_at, lifted_by, lifted_at
  FROM awooop_platform_switch
UNION ALL
SELECT switch_id, project_id, level, key, reason, thrown_by, armed_at, thrown_at, lifted_by,
       lifted_at
  FROM awooop_kill_switch
"""
_OPEN = f"""
SELECT {", ".join(COLUMNS)} FROM ({_ALL}) s
 WHERE lifted_at IS NULL AND (%(project)s::text IS NULL OR project_id = %(project)s)
 ORDER BY armed_at DESC, switch_id LIMIT {MOST_OPEN}
"""
_PAST = f"""
SELECT {", ".join(COLUMNS)} FROM ({_ALL}) s
 WHERE lifted_at IS NOT NULL AND (%(project)s::text IS NULL OR project_id = %(project)s)
 ORDER BY lifted_at DESC, switch_id LIMIT {MOST_PAST}
"""
_ONE = f"SELECT {', '.join(COLUMNS)} FROM ({_ALL}) s WHERE switch_id = %s"
_MINE = f"""
SELECT level, key, project_id, reason FROM ({_ALL}) s
 WHERE lifted_at IS NULL
   AND (%(sees_all)s OR project_id = '{PLATFORM}'
        OR project_id IN (SELECT m.project_id FROM awooop_member m WHERE m.operator_id = %(who)s))
 ORDER BY armed_at DESC LIMIT %(most)s
"""
_SUGGESTED = """
SELECT DISTINCT contract_id FROM awooop_contract_revision
 WHERE contract_family = 'agent' AND lifecycle_status = 'active' ORDER BY 1 LIMIT 500
"""
_SUGGESTED_TOOLS = """
SELECT DISTINCT tool->>'tool_name' ||
       CASE WHEN (r.body->>'plain_names')::boolean THEN '' ELSE '__' || (r.body->>'provider') END
  FROM awooop_contract_revision r, jsonb_array_elements(r.body->'tools') tool
 WHERE r.contract_family = 'mcp_gateway' AND r.lifecycle_status = 'active' ORDER BY 1 LIMIT 1000
"""


def standing(p: Pipe, project_id: str | None = None) -> tuple[list[Row], list[Row]]:
    """Return the open switches and the newest of those that were lifted, newest first."""
    p.plan_each()
    sent = [p.send(sql, {"project": project_id}) for sql in (_OPEN, _PAST)]
    found, past = (told(each.fetchall(), COLUMNS) for each in sent)
    return found, past


def one(p: Pipe, switch_id: UUID) -> Row | None:
    """Return a switch that the open transaction may see, or None."""
    p.plan_each()
    return next(iter(told(p.send(_ONE, [switch_id]).fetchall(), COLUMNS)), None)


def opened(p: Pipe, *, operator_id: Any, sees_all: bool, most: int) -> list[Row]:
    """Return the open switches that concern a person, newest first."""
    p.plan_each()
    found = p.send(_MINE, {"who": operator_id, "sees_all": sees_all, "most": most})
    return told(found.fetchall(), ("level", "key", "project_id", "reason"))


def suggested(p: Pipe) -> tuple[list[str], list[str]]:
    """Return the agents and the tools, as agents know them, that a switch may name."""
    p.plan_each()
    sent = [p.send(sql) for sql in (_SUGGESTED, _SUGGESTED_TOOLS)]
    agents, tools = ([name for (name,) in each.fetchall()] for each in sent)
    return agents, tools
