"""Providers and their tools: what contracts name, beside what servers say."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from awooop.console.gateway.reading import Row, told
from awooop.kit.db import Pipe
from contracts.models import Family
from contracts.queries import Bodies

MOST_TOOLS = 2_000  # of one provider; a listing holds no more
MOST_WAITING = 200
PER_PAGE = 100

Place = tuple[str, str, str]

_PROVIDER = (
    "project_id",
    "gateway_id",
    "is_active",
    "provider",
    "transport",
    "server_name",
    "server_version",
    "faults",
    "error_code",
    "error_detail",
    "listed_at",
    "tried_at",
    "tools",
    "released",
    "waiting",
    "warnings",
)
_PROVIDERS = """
SELECT g.project_id, g.gateway_id, c.project_id IS NOT NULL, c.body->>'provider',
       c.body->'transport'->>'kind', v.server_name, v.server_version, v.faults::text, v.error_code,
       v.error_detail, v.listed_at, v.tried_at, t.tools, t.released, t.waiting, t.warnings
  FROM (SELECT project_id, contract_id AS gateway_id FROM awooop_contract_revision
         WHERE contract_family = 'mcp_gateway' AND lifecycle_status = 'active'
        UNION SELECT project_id, gateway_id FROM awooop_gateway_provider) g
  LEFT JOIN awooop_contract_revision c
    ON c.project_id = g.project_id AND c.contract_id = g.gateway_id
   AND c.contract_family = 'mcp_gateway' AND c.lifecycle_status = 'active'
  LEFT JOIN awooop_gateway_provider v
    ON v.project_id = g.project_id AND v.gateway_id = g.gateway_id
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE standing <> 'gone') AS tools,
           count(*) FILTER (WHERE standing = 'released') AS released,
           count(*) FILTER (WHERE standing IN ('quarantined', 'suspended')) AS waiting,
           count(*) FILTER (WHERE jsonb_array_length(warnings) > 0 AND standing <> 'gone')
             AS warnings
      FROM awooop_gateway_tool t
     WHERE t.project_id = g.project_id AND t.gateway_id = g.gateway_id) t
"""
_LIST = f"""{_PROVIDERS}
 WHERE (%(project)s::text IS NULL OR g.project_id = %(project)s)
   AND (g.project_id, g.gateway_id) > (%(after_project)s, %(after_gateway)s)
 ORDER BY g.project_id, g.gateway_id LIMIT %(most)s
"""
_ONE = f"{_PROVIDERS} WHERE g.project_id = %s AND g.gateway_id = %s"
_INSTRUCTIONS = """
SELECT instructions FROM awooop_gateway_provider WHERE project_id = %s AND gateway_id = %s
"""

_TOOL = (
    "project_id",
    "gateway_id",
    "tool_name",
    "standing",
    "pin_sha256",
    "seen_sha256",
    "warnings",
    "renamed_from",
    "first_seen_at",
    "last_seen_at",
    "released_by",
    "released_at",
    "annotations",
)
_TOOL_SQL = """
SELECT project_id, gateway_id, tool_name, standing, pin_sha256, seen_sha256, warnings::text,
       renamed_from, first_seen_at, last_seen_at, released_by, released_at,
       (seen->'annotations')::text
  FROM awooop_gateway_tool
"""
_TOOLS = f"""{_TOOL_SQL}
 WHERE (%(project)s::text IS NULL OR project_id = %(project)s)
   AND (%(gateway)s::text IS NULL OR gateway_id = %(gateway)s)
   AND (%(standing)s::text IS NULL OR standing = %(standing)s)
   AND (project_id, gateway_id, tool_name) > (%(after_project)s, %(after_gateway)s, %(after_tool)s)
 ORDER BY project_id, gateway_id, tool_name LIMIT %(most)s
"""
_WAITING = f"""{_TOOL_SQL}
 WHERE standing IN ('quarantined', 'suspended')
   AND (%(project)s::text IS NULL OR project_id = %(project)s)
 ORDER BY GREATEST(first_seen_at, COALESCE(released_at, first_seen_at)) DESC, project_id,
          gateway_id, tool_name
 LIMIT {MOST_WAITING}
"""
_ONE_TOOL = f"{_TOOL_SQL} WHERE project_id = %s AND gateway_id = %s AND tool_name = %s"
_DEFINITIONS = """
SELECT definition::text, seen::text, instructions, seen_instructions, suspended_by
  FROM awooop_gateway_tool
 WHERE project_id = %s AND gateway_id = %s AND tool_name = %s
"""


def providers(
    p: Pipe, *, project_id: str | None = None, after: tuple[str, str] = ("", ""), per_page: int
) -> tuple[list[Row], tuple[str, str] | None]:
    """Return providers by project and name, and the last one's when more follow."""
    p.plan_each()
    found = p.send(
        _LIST,
        {
            "project": project_id,
            "after_project": after[0],
            "after_gateway": after[1],
            "most": per_page + 1,
        },
    )
    rows = [_provider(row) for row in found.fetchall()]
    if len(rows) <= per_page:
        return rows, None
    last = rows[per_page - 1]
    return rows[:per_page], (last["project_id"], last["gateway_id"])


def provider(p: Pipe, project_id: str, gateway_id: str) -> Row | None:
    """Return a provider with the instructions of its server, or None."""
    found = p.send(_ONE, [project_id, gateway_id])
    said = p.send(_INSTRUCTIONS, [project_id, gateway_id])
    row = found.fetchone()
    if row is None:
        return None
    (instructions,) = said.fetchone() or ("",)
    return {**_provider(row), "instructions": instructions}


def tools(
    p: Pipe,
    *,
    project_id: str | None = None,
    gateway_id: str | None = None,
    standing: str | None = None,
    after: Place = ("", "", ""),
    per_page: int = MOST_TOOLS,
) -> tuple[list[Row], Place | None]:
    """Return tools by project, provider and name, and the last one's place when more follow."""
    p.plan_each()
    found = p.send(
        _TOOLS,
        {
            "project": project_id,
            "gateway": gateway_id,
            "standing": standing,
            "after_project": after[0],
            "after_gateway": after[1],
            "after_tool": after[2],
            "most": per_page + 1,
        },
    )
    rows = [_tool(row) for row in found.fetchall()]
    if len(rows) <= per_page:
        return rows, None
    last = rows[per_page - 1]
    return rows[:per_page], (last["project_id"], last["gateway_id"], last["tool_name"])


def waiting(p: Pipe, project_id: str | None = None) -> list[Row]:
    """Return the tools that wait for an operator, the newest first."""
    p.plan_each()
    return [_tool(row) for row in p.send(_WAITING, {"project": project_id}).fetchall()]


def tool(p: Pipe, place: Place) -> Row | None:
    """Return a tool with its definition as released and as seen, or None."""
    found, texts = p.send(_ONE_TOOL, place), p.send(_DEFINITIONS, place)
    row = found.fetchone()
    if row is None:
        return None
    definition, seen, *more = texts.fetchone() or (None, "{}", "", "", None)
    return {
        **_tool(row),
        "definition": definition and json.loads(definition),
        "seen": json.loads(seen),
        **dict(zip(("instructions", "seen_instructions", "suspended_by"), more, strict=True)),
    }


def contracted(bodies: Bodies, gateway_id: str) -> Mapping[str, Mapping[str, Any]]:
    """Return what a project's gateway contract says of each tool, by name."""
    found = bodies.get((Family.MCP_GATEWAY.value, gateway_id))
    return {tool["tool_name"]: tool for tool in found.body["tools"]} if found else {}


def _provider(row: Sequence[Any]) -> Row:
    (made,) = told([row], _PROVIDER)
    return {**made, "faults": json.loads(made["faults"] or "[]")}


def _tool(row: Sequence[Any]) -> Row:
    (made,) = told([row], _TOOL)
    return {
        **made,
        "warnings": json.loads(made["warnings"]),
        "annotations": made["annotations"] and json.loads(made["annotations"]),
    }
