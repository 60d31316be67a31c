"""The record of every call, refused or not: one row each, written once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.kit import redaction
from awooop.kit.db import Pipe
from gateway.shapes import Call, Result

_LONGEST_NAME = 200

WRITE = """
INSERT INTO awooop_mcp_gateway_audit
       (project_id, call_id, agent_id, actor, run_id, trace_id, gateway_id, tool_name, environment,
        is_shadow, result_status, block_gate, block_reason, error_code, is_destructive, arguments,
        args_sha256, result_sha256, result_size, latency_ms, created_at)
VALUES (%(project_id)s, %(call_id)s, %(agent_id)s, %(actor)s, %(run_id)s, %(trace_id)s,
        %(gateway_id)s, %(tool_name)s, %(environment)s, %(is_shadow)s, %(result_status)s,
        %(block_gate)s, %(block_reason)s, %(error_code)s, %(is_destructive)s, %(arguments)s,
        %(args_sha256)s, %(result_sha256)s, %(result_size)s, %(latency_ms)s, clock_timestamp())
"""


def send(p: Pipe, row: dict[str, Any]) -> None:
    """Queue a call's row in the pipe's open transaction of its project."""
    p.send(WRITE, row)


def write(row: dict[str, Any]) -> None:
    """Write a call's row in the caller's transaction of its project."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(WRITE, row)


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
