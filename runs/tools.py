"""A run calls a tool: through the gateway, as anybody does, and with a step in its journal."""

from collections.abc import Mapping
from typing import Any

from awooop.errors import Code
from gateway import calls
from gateway.shapes import Call, Result
from runs import shadow, steps
from runs.leases import Lease
from runs.models import StepStatus


def call(
    lease: Lease,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    key: str,
    environment: str = "",
    ticket: str | None = None,
) -> Result:
    """Journal the intent, call the tool, journal the result.

    Opens its own transactions and holds none while it waits.

    :param key: the executor's own name for this call, the same in every attempt at the run: what
        an earlier attempt did is not done again.
    :param ticket: a human's yes to exactly this call.
    :returns: with ``asked`` set, the run waits for a human and is no longer held.
    :raises Conflict: the lease was lost.
    :raises Unavailable: the call cannot be recorded.
    """
    step_seq = steps.intend(lease, tool_name=tool, gateway_id=None)
    result = calls.call_tool(
        Call(
            project_id=lease.project_id,
            home_id=lease.project_id,
            agent_id=lease.agent_id,
            tool=tool,
            arguments=arguments,
            actor=f"worker:{lease.worker}",
            environment=environment,
            run_id=lease.run_id,
            epoch=lease.epoch,
            is_shadow=lease.is_shadow,
            trace_id=lease.trace_id,
            key=f"run:{lease.run_id}:{key}",
            ticket=ticket,
        )
    )
    if result.asked is not None:  # the run waits, and its step says what for
        return result
    steps.conclude(
        lease,
        step_seq,
        StepStatus(result.status.value),
        reason=shadow.BLOCKED if result.code is Code.GATE_SHADOW else result.reason or None,
        code=result.code,
        latency_ms=result.latency_ms,
    )
    return result
