"""One run, whole: what came in, how it moved, what it did, in the order it happened.

What is told is redacted once more, for rows that were written past the doors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from awooop.kit.db import Pipe
from awooop.kit.redaction import redact
from runs import queries

PER_PAGE = 100
_MOST_ROWS = 10_000  # of one kind; a contract's step limit is far below

_STEPS = (
    "step_seq",
    "tool_name",
    "mcp_gateway_id",
    "result_status",
    "was_blocked",
    "block_reason",
    "error_code",
    "latency_ms",
    "created_at",
    "completed_at",
)
_EVENTS = ("event_id", "channel_type", "provider_event_id", "content_preview", "received_at")
_CALLS = (
    "call_id",
    "gateway_id",
    "tool_name",
    "environment",
    "result_status",
    "block_gate",
    "block_reason",
    "error_code",
    "is_destructive",
    "args_sha256",
    "result_sha256",
    "latency_ms",
    "created_at",
)
_ASKED = (
    "approval_id",
    "tool_name",
    "environment",
    "risk",
    "required_signatures",
    "requested_by",
    "standing",
    "disposition",
    "created_at",
    "expires_at",
)
_VOTES = ("approval_id", "voter", "is_yes", "comment", "voted_at")
_MOVES = ("version", "was", "now", "reason", "actor", "lease_epoch", "at")

_STEP_SQL = f"""
SELECT {", ".join(_STEPS)} FROM awooop_run_step_journal
 WHERE project_id = %s AND run_id = %s ORDER BY step_seq LIMIT {_MOST_ROWS}
"""
_EVENT_SQL = f"""
SELECT {", ".join(_EVENTS)} FROM awooop_conversation_event
 WHERE project_id = %s AND run_id = %s AND NOT is_duplicate ORDER BY event_id LIMIT {_MOST_ROWS}
"""
_REPEATS_SQL = f"""
SELECT count(*), max(received_at) FROM (
  SELECT received_at FROM awooop_conversation_event
   WHERE project_id = %s AND run_id = %s AND is_duplicate LIMIT {_MOST_ROWS}) repeats
"""
_CALL_SQL = f"""
SELECT {", ".join(_CALLS)} FROM awooop_mcp_gateway_audit
 WHERE project_id = %s AND run_id = %s ORDER BY call_id LIMIT {_MOST_ROWS}
"""
_MOVE_SQL = f"""
SELECT {", ".join(_MOVES)} FROM awooop_run_transition
 WHERE project_id = %s AND run_id = %s ORDER BY version LIMIT {_MOST_ROWS}
"""
_ASKED_SQL = f"""
SELECT {", ".join(_ASKED)} FROM awooop_approval
 WHERE project_id = %s AND run_id = %s ORDER BY approval_id LIMIT {_MOST_ROWS}
"""
_VOTE_SQL = f"""
SELECT {", ".join(f"v.{name}" for name in _VOTES)} FROM awooop_approval a
  JOIN awooop_approval_vote v USING (project_id, approval_id)
 WHERE a.project_id = %s AND a.run_id = %s ORDER BY v.voted_at LIMIT {_MOST_ROWS}
"""


class Item(NamedTuple):
    """One line of the timeline. ``order`` breaks ties of one instant: cause before effect."""

    ts: datetime
    kind: str
    title: str
    status: str
    summary: str | None
    metadata: dict[str, Any]
    order: tuple[int, int] = (0, 0)

    def told(self) -> dict[str, Any]:
        """Return the item as the API tells it."""
        return {
            "ts": self.ts,
            "kind": self.kind,
            "title": self.title,
            "status": self.status,
            "summary": self.summary,
            "metadata": self.metadata,
        }


@dataclass(frozen=True, slots=True)
class Whole:
    """A run and everything journalled about it."""

    run: dict[str, Any]
    steps: list[dict[str, Any]]
    inbound_events: list[dict[str, Any]]
    repeats: int
    mcp_calls: list[dict[str, Any]]
    timeline: list[Item]


def collect(p: Pipe, run_id: UUID) -> Whole | None:
    """Return a run with its whole timeline, in two round trips; None when it is not to be seen."""
    run = queries.one(p, run_id, queries.DETAIL)
    if run is None:
        return None
    whose = [run["project_id"], run_id]
    wanted = (_STEP_SQL, _EVENT_SQL, _REPEATS_SQL, _MOVE_SQL, _CALL_SQL, _ASKED_SQL, _VOTE_SQL)
    sent = [p.send(sql, whose) for sql in wanted]
    steps = [dict(zip(_STEPS, row, strict=True)) for row in sent[0].fetchall()]
    events = [dict(zip(_EVENTS, row, strict=True)) for row in sent[1].fetchall()]
    repeats, last_repeat = sent[2].fetchone() or (0, None)
    moves = [dict(zip(_MOVES, row, strict=True)) for row in sent[3].fetchall()]
    calls = [dict(zip(_CALLS, row, strict=True)) for row in sent[4].fetchall()]
    asked = [dict(zip(_ASKED, row, strict=True)) for row in sent[5].fetchall()]
    votes = [dict(zip(_VOTES, row, strict=True)) for row in sent[6].fetchall()]
    _redact([run], "error_detail", "trigger_ref")
    _redact(steps, "block_reason")
    _redact(events, "content_preview", "provider_event_id")
    _redact(moves, "reason")
    _redact(calls, "block_reason", "tool_name")
    _redact(asked, "tool_name", "requested_by")
    _redact(votes, "comment")
    items = [
        *_inbound(events, repeats, last_repeat),
        _created(run),
        *map(_move, moves),
        *map(_step, steps),
        *map(_call, calls),
        *map(_request, asked),
        *map(_vote, votes),
    ]
    items.sort(key=lambda item: (item.ts, item.order))
    return Whole(run, steps, events, repeats, calls, items)


def page(items: list[Item], number: int) -> tuple[list[Item], bool]:
    """Return the page of that number, from 1, and whether another follows."""
    start = (number - 1) * PER_PAGE
    return items[start : start + PER_PAGE], len(items) > start + PER_PAGE


def _redact(rows: Iterable[dict[str, Any]], *columns: str) -> None:
    """Redact what others may have written; journals repeat themselves, so each text once."""
    known: dict[str, str] = {}
    for row in rows:
        for column in columns:
            text = row.get(column)
            if text:
                if text not in known:
                    known[text] = redact(text)
                row[column] = known[text]


def _inbound(
    events: Iterable[dict[str, Any]], repeats: int, last: datetime | None
) -> Iterable[Item]:
    for event in events:
        yield Item(
            event["received_at"],
            "inbound",
            f"{event['channel_type']} event",
            "received",
            event["content_preview"],
            {"provider_event_id": event["provider_event_id"]},
            (0, 0),
        )
    if repeats and last:
        yield Item(
            last,
            "inbound",
            "Delivered again",
            "duplicate",
            f"{repeats} repeated deliveries, no new run",
            {"repeats": repeats},
            (4, 0),
        )


def _created(run: dict[str, Any]) -> Item:
    return Item(
        run["created_at"],
        "run",
        "Run created",
        "pending",
        f"{run['trigger_type']} for {run['agent_id']}",
        {"trace_id": run["trace_id"], "trigger_ref": run["trigger_ref"]},
        (1, 0),
    )


def _move(move: dict[str, Any]) -> Item:
    return Item(
        move["at"],
        "run",
        f"{move['was']} → {move['now']}",
        move["now"],
        move["reason"],
        {"actor": move["actor"], "version": move["version"], "lease_epoch": move["lease_epoch"]},
        (3, move["version"]),
    )


def _step(step: dict[str, Any]) -> Item:
    is_decision = step["tool_name"].startswith("operator_console.")
    return Item(
        step["completed_at"] or step["created_at"],
        "approval" if is_decision else "step",
        f"Step {step['step_seq']}: {step['tool_name']}",
        step["result_status"],
        step["block_reason"] or step["error_code"],
        {
            "was_blocked": step["was_blocked"],
            "latency_ms": step["latency_ms"],
            "mcp_gateway_id": step["mcp_gateway_id"],
        },
        (2, step["step_seq"]),
    )


def _call(call: dict[str, Any]) -> Item:
    return Item(
        call["created_at"],
        "mcp",
        f"Tool call: {call['tool_name']}",
        call["result_status"],
        call["block_reason"] or call["error_code"],
        {
            "call_id": str(call["call_id"]),
            "mcp_gateway_id": call["gateway_id"],
            "environment": call["environment"],
            "gate": call["block_gate"],
            "code": call["error_code"],
            "latency_ms": call["latency_ms"],
        },
        (2, 0),
    )


def _request(asked: dict[str, Any]) -> Item:
    return Item(
        asked["created_at"],
        "approval",
        f"Approval asked for: {asked['tool_name']}",
        asked["standing"],
        None,
        {
            "approval_id": str(asked["approval_id"]),
            "risk": asked["risk"],
            "signatures_needed": asked["required_signatures"],
            "requested_by": asked["requested_by"],
            "environment": asked["environment"],
            "expires_at": asked["expires_at"].isoformat(),
            "disposition": asked["disposition"] or None,
        },
        (2, 1),
    )


def _vote(vote: dict[str, Any]) -> Item:
    return Item(
        vote["voted_at"],
        "approval",
        f"Vote of {vote['voter']}",
        "yes" if vote["is_yes"] else "no",
        vote["comment"] or None,
        {"approval_id": str(vote["approval_id"])},
        (2, 2),
    )
