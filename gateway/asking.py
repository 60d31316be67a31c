"""The gateway's own tool: agents ask by it how far a request for a human's yes has come.

It is judged by who asks and nothing else: a kill switch stops no one from reading how a request
ended. Asking changes nothing and executes nothing.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from awooop.errors import Code, Invalid
from awooop.kit import rest
from awooop.tenants.modes import Mode
from contracts import queries
from contracts.bodies.policy import Policy
from contracts.models import Family
from gateway import endings, facts, gates, humans, policies, standings, verdicts
from gateway.admission import Stopped
from gateway.catalog import Entry
from gateway.facts import Facts
from gateway.gates import Blocked
from gateway.models import Status
from gateway.shapes import Call, Result

DEFINITION: Mapping[str, Any] = {
    "name": humans.STATUS_TOOL,
    "title": "Approval status",
    "description": (
        "How far a request for a human's yes has come. Call it with the approval_id that a call"
        " was answered with; once somebody has decided, it tells what became of the call."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {"approval_id": {"type": "string", "format": "uuid"}},
        "required": ["approval_id"],
        "additionalProperties": False,
    },
    "annotations": {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
}


def is_of_use(
    agent_id: str, entries: Iterable[Entry], asked: tuple[Policy, ...], mode: Mode
) -> bool:
    """Tell whether a call of one of these tools may have to wait for a human."""
    return any(_may_wait(agent_id, entry, asked, mode) for entry in entries)


def answer(call: Call, *, begun: float) -> Result:
    """Answer a call of the tool, and record it.

    :raises Unavailable: it cannot be recorded.
    """
    known = _known(call)
    if (blocked := gates.tenant(call, known) or gates.agent(call, known)) is not None:
        return endings.recorded(endings.refused(call, Stopped(known, blocked), begun=begun))
    try:
        identity = _read(call.arguments)
    except Invalid as reason:
        wrong = Blocked(3, Code.GATE_ARGUMENTS, reason.detail)
        return endings.recorded(endings.refused(call, Stopped(known, wrong), begun=begun))
    found = humans.look(call.project_id, call.agent_id, identity)
    if found is None:
        why = "the agent has asked for no such approval"
        result = endings.told(call, Status.ERROR, Code.APPROVAL_UNKNOWN, why)
    else:
        result = _told(call, found)
    return endings.recorded(endings.untold(call, known, result, begun))


def _may_wait(agent_id: str, entry: Entry, asked: tuple[Policy, ...], mode: Mode) -> bool:
    verdict = verdicts.of(entry.contract, entry.definition, {})
    if mode is Mode.SUGGEST and not verdict.only_reads:
        return True
    return any(
        policies.may_ask(policy, verdict.scope, agent_id, entry.tool_name) for policy in asked
    )


def _known(call: Call) -> Facts:
    """Return what is known of who asks; no switch stops a look."""
    standing = replace(standings.now(call.project_id), thrown=())
    if standing.mode is None:
        return Facts(standing=standing)
    bodies = queries.of_project(call.project_id)
    return Facts(
        standing=standing,
        agent=bodies.get((Family.AGENT.value, call.agent_id)),
        policies=policies.of(bodies),
        is_shadow=facts.is_shadow(standing.mode, call.is_shadow),
    )


def _read(arguments: Mapping[str, Any]) -> UUID:
    """Return which request is asked for.

    :raises Invalid: the arguments are not the one that the tool takes.
    """
    named = arguments.get("approval_id")
    if set(arguments) != {"approval_id"} or not isinstance(named, str):
        raise Invalid(Code.GATE_ARGUMENTS, "it takes approval_id and nothing else")
    return rest.read_uuid(named)


def _told(call: Call, found: Mapping[str, Any]) -> Result:
    """Return a request as a result; the blocks of the call that was made come as they are kept."""
    made, status, blocks = found["result"], dict(found), ()
    if made is not None:
        blocks = made["content"]
        status["result"] = {name: each for name, each in made.items() if name != "content"}
    text = json.dumps(status, ensure_ascii=False, separators=(",", ":"))
    return Result(
        call_id=call.call_id,
        status=Status.SUCCESS,
        content=({"type": "text", "text": text}, *blocks),
        structured=status,
    )
