"""A person changes what is asked for: another request in the place of the first, to be decided."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals import decisions, requests
from approvals.models import Approval, Disposition, Risk, Standing
from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import AwoooPError, Code, Conflict, Invalid, Refused
from awooop.kit import canonical, redaction
from awooop.kit.db import in_tx, tenant_tx
from gateway import facts, gates
from gateway.facts import Facts
from gateway.gates import Blocked, Spent
from gateway.shapes import Call
from runs.models import Run

STEP = "operator_console.edit"
_LONGEST_REASON = 500
_CHANGED = "somebody decided or edited it at the same moment"


def edit(
    project_id: str,
    identity: UUID,
    arguments: Mapping[str, Any],
    *,
    editor: str,
    reason: str,
    at: datetime,
) -> Approval:
    """Ask for other arguments in the place of a request that waits; return the new request.

    It asks for another action, so that no vote counts for both; who edits is who asks for it. The
    run waits on and makes the edited call. Opens its own transactions.

    :param identity: of the request, or of the run that waits with it.
    :param editor: ``operator:NAME`` of whoever is signed in.
    :raises NotFound: no such request in this project.
    :raises Conflict: it waits for nobody.
    :raises Refused: this person may not decide, or a gate would stop the edited call.
    :raises Invalid: the arguments do not fit the tool, or are the same.
    """
    with tenant_tx(project_id):
        old = decisions.held(project_id, identity)
        run = decisions.require_waiting(old, at)
        decisions.require_approver(project_id, editor)
    call = _call(old, run, arguments, editor)
    known = facts.gather(call)
    _require_possible(call, known)
    if known.action == old.action_sha256 or _spelled(known.leaving) == _spelled(old.arguments):
        raise Invalid(Code.BODY_INVALID, "the arguments are what was asked for already")
    with tenant_tx(project_id):
        return _replace(
            old.approval_id, call, known, redaction.excerpt(reason, _LONGEST_REASON), at
        )


def changes(was: Any, now: Any, at: str = "") -> Iterator[dict[str, Any]]:
    """Yield what is different between two JSON values: a JSON Pointer, what it was, what it is."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            place = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in now:
                yield {"at": place, "was": was[name]}
            elif name not in was:
                yield {"at": place, "now": now[name]}
            else:
                yield from changes(was[name], now[name], place)
    elif _spelled(was) != _spelled(now):
        yield {"at": at, "was": was, "now": now}


def _spelled(value: Any) -> bytes:
    """Return what tells JSON values apart: to Python, ``true`` would be 1."""
    return canonical.canonical(canonical.revived(value))


def _call(old: Approval, run: Run, arguments: Mapping[str, Any], editor: str) -> Call:
    return Call(
        project_id=old.project_id,
        home_id=old.project_id,
        agent_id=old.agent_id,
        tool=old.tool_name,
        arguments=arguments,
        actor=editor,
        environment=old.environment,
        run_id=old.run_id,
        is_shadow=run.is_shadow,
        trace_id=run.trace_id,
        key=old.call_key,
    )


def _require_possible(call: Call, known: Facts) -> None:
    """Refuse to ask for what the gates would stop whatever a human says."""
    blocked = gates.entrance(call, known) or gates.passage(call, known, Spent())
    if blocked is not None and blocked.code is not Code.GATE_APPROVAL:
        raise _refusal(blocked)


def _refusal(blocked: Blocked) -> AwoooPError:
    family = Invalid if blocked.code is Code.GATE_ARGUMENTS else Refused
    return family(blocked.code, blocked.reason, gate=blocked.gate)


@in_tx
def _replace(approval_id: UUID, call: Call, known: Facts, reason: str, at: datetime) -> Approval:
    old = decisions.held(call.project_id, approval_id)
    if old.standing != Standing.PENDING:
        raise Conflict(Code.APPROVAL_DECIDED, _CHANGED, standing=old.standing)
    decisions.require_waiting(old, at)
    old.standing, old.disposition = Standing.WITHDRAWN, Disposition.DENIED
    old.decided_by, old.reason = call.actor[:150], reason
    old.decided_at = old.ended_at = at
    names = ("standing", "disposition", "decided_by", "reason", "decided_at", "ended_at")
    old.save(update_fields=names)
    kept = requests.columns(call, known, at, least=Risk(old.risk))
    differences = list(changes(old.arguments, kept["arguments"]))
    made = Approval.objects.create(
        **{
            **kept,
            "run_id": old.run_id,
            "title": old.title,
            "description": old.description,
            "blast_radius": {**old.blast_radius, **kept["blast_radius"]},
            "incident_id": old.incident_id,
            "playbook_id": old.playbook_id,
            "is_edited": True,
            "edited_from": old.approval_id,
            "changes": differences,
        }
    )
    decisions.journal(made, STEP, f"edited by {call.actor}: {reason}")
    sink.record(
        call.project_id,
        Act.APPROVAL_EDITED,
        actor=call.actor,
        target=("approval", str(made.approval_id)),
        run_id=made.run_id,
        facts={
            "edited_from": str(old.approval_id),
            "was_sha256": old.action_sha256,
            "action_sha256": made.action_sha256,
            "places": [each["at"] for each in differences][:50],
            "reason": reason,
        },
    )
    return made
