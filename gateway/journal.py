"""The record of every call, refused or not: one row each, written once."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.kit import redaction
from awooop.kit.db import Pipe, tenant_statement
from gateway.shapes import Call, Result

_LONGEST_NAME = 200

_TYPES = {
    "project_id": "text",
    "call_id": "uuid",
    "agent_id": "text",
    "actor": "text",
    "run_id": "uuid",
    "trace_id": "text",
    "gateway_id": "text",
    "tool_name": "text",
    "environment": "text",
    "is_shadow": "boolean",
    "result_status": "text",
    "block_gate": "smallint",
    "block_reason": "text",
    "error_code": "text",
    "is_destructive": "boolean",
    "arguments": "text",
    "args_sha256": "text",
    "result_sha256": "text",
    "result_size": "integer",
    "latency_ms": "integer",
}
_COLUMNS = ", ".join(_TYPES)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _TYPES.items())

# One statement and one parameter for however many rows: a parameter for each column of each row
# took longer to spell than the database took to write it.
_WRITE = f"""
INSERT INTO awooop_mcp_gateway_audit ({_COLUMNS}, created_at)
SELECT {_COLUMNS}, clock_timestamp()
  FROM json_to_recordset(%s) AS told ({_TYPED})
"""


def commit(project_id: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write calls' rows in a transaction of their own.

    :raises psycopg.Error: none of them is written.
    """
    tenant_statement(project_id, f"{_WRITE}, walls", [_spelled(rows)])


def send(p: Pipe, rows: Iterable[Mapping[str, Any]]) -> None:
    """Queue calls' rows in the pipe's open transaction of their project."""
    p.send(_WRITE, [_spelled(rows)])


def write(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write calls' rows in the caller's transaction of their project."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_WRITE, [_spelled(rows)])


def _spelled(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), default=str)


def row(
    call: Call,
    result: Result,
    *,
    gateway_id: str,
    tool_name: str,
    is_shadow: bool,
    is_destructive: bool,
    arguments: str,
    args_sha256: str,
) -> dict[str, Any]:
    """Return the row of a call that has ended.

    :param arguments: redacted and bounded.
    """
    return {
        "project_id": call.project_id,
        "call_id": call.call_id,
        "agent_id": redaction.identity(call.agent_id, 100),
        "actor": call.actor[:150],
        "run_id": call.run_id,
        "trace_id": call.trace_id,
        "gateway_id": gateway_id,
        "tool_name": redaction.excerpt(tool_name, _LONGEST_NAME),
        "environment": redaction.identity(call.environment, 32),
        "is_shadow": is_shadow,
        "result_status": result.status.value,
        "block_gate": result.gate,
        "block_reason": redaction.excerpt(result.reason, 500) if result.reason else None,
        "error_code": result.code.value if result.code else None,
        "is_destructive": is_destructive,
        "arguments": arguments,
        "args_sha256": args_sha256,
        "result_sha256": result.sha256,
        "result_size": result.size,
        "latency_ms": result.latency_ms,
    }


def lost(effect: Mapping[str, Any], *, code: str, reason: str) -> dict[str, Any]:
    """Return the row of a call whose process ended before it could write one."""
    kept: UUID = effect["effect_id"]
    return {
        **{name: effect[name] for name in _OF_EFFECT},
        "call_id": kept,
        "is_shadow": False,
        "result_status": "unknown",
        "block_gate": None,
        "block_reason": reason,
        "error_code": code,
        "is_destructive": True,
        "result_sha256": None,
        "result_size": 0,
        "latency_ms": effect["age_ms"],
    }


_OF_EFFECT = (
    *("project_id", "agent_id", "actor", "run_id", "trace_id", "gateway_id", "tool_name"),
    *("environment", "arguments", "args_sha256"),
)
