"""Callers that wait a while for a human: held without a thread or a transaction, then answered.

Who waits only looks. The call is made by a worker, whether anybody waits for it or not.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import anyio
import psycopg
import structlog
from django.db import DatabaseError

from awooop.errors import Code
from gateway import humans
from gateway.models import Status
from gateway.providers.base import Progress
from gateway.serving import hop
from gateway.shapes import Result

log = structlog.get_logger(__name__)

LONGEST_SECONDS = 50.0
_LOOK_SECONDS = 0.4  # between two looks
_TELL_SECONDS = 2.0  # between two words of progress
_CODES = {code.value: code for code in Code}
_ENDED = {
    "rejected": Code.APPROVAL_REJECTED,
    "expired": Code.APPROVAL_EXPIRED,
    "withdrawn": Code.RUN_CANCELLED,
}


async def hold(
    first: Result,
    *,
    project_id: str,
    agent_id: str,
    seconds: float,
    progress: Progress | None = None,
) -> Result:
    """Return what became of a call that waits for a human, or its first answer after ``seconds``.

    Nothing is lost by whoever leaves earlier: the tool that tells the status goes on telling it.
    """
    if first.asked is None or seconds <= 0:
        return first
    begun = time.monotonic()
    end, told = begun + min(seconds, LONGEST_SECONDS), begun
    while True:
        found = await _look(project_id, agent_id, first.asked.approval_id)
        now = time.monotonic()
        if found is not None and (ended := made_of(first, found)) is not None:
            return replace(ended, latency_ms=first.latency_ms + round((now - begun) * 1000))
        if now >= end:
            return first
        if progress is not None and now - told >= _TELL_SECONDS:
            told = now
            with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
                await progress(now - begun, end - begun, "waiting for a human")
        await asyncio.sleep(min(_LOOK_SECONDS, end - now))


def made_of(first: Result, found: Mapping[str, Any]) -> Result | None:
    """Return how a request has ended, as the result of the call that asked; None while it waits."""
    if not found["disposition"]:
        return None
    made = found["result"]
    if made is None:
        return _denied(first, found)
    return Result(
        call_id=UUID(made["call_id"]),
        status=Status(made["status"]),
        code=_CODES.get(made["code"]),
        reason=made["reason"],
        content=tuple(made["content"]),
        structured=made["structured"],
        is_error=made["is_error"],
    )


def _denied(first: Result, found: Mapping[str, Any]) -> Result:
    code = _ENDED.get(found["standing"], Code.GATE_APPROVAL)
    reason = found["reason"] or code.title
    text = f"{code.value}: {code.title}. {reason}. {code.hint}"
    return replace(
        first,
        code=code,
        reason=reason,
        content=({"type": "text", "text": text},),
        asked=None,
    )


async def _look(project_id: str, agent_id: str, approval_id: UUID) -> Mapping[str, Any] | None:
    try:
        return await hop.over(humans.look, project_id, agent_id, approval_id)
    except (psycopg.Error, DatabaseError) as reason:
        log.warning("look_failed", approval_id=str(approval_id), reason=type(reason).__name__)
        return None
