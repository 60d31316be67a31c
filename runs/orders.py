"""Placing an order for a run through a door: checked, written once, told to the workers."""

import json
from dataclasses import replace

from awooop.errors import Code, Invalid
from awooop.kit import redaction
from awooop.kit.db import Pipe, pipe
from awooop.ledger import admission
from awooop.ledger.admission import Spent
from awooop.tenants import modes, projects
from awooop.tenants.modes import Mode
from contracts import queries as contracts
from contracts.models import Family
from runs import intake
from runs.fsm import TERMINAL, State
from runs.intake import Order, Receipt
from runs.models import Trigger

_PARENT = "SELECT state, input::text FROM awooop_run_state WHERE run_id = %s"
_NEEDS_PARENT = {Trigger.RETRY, Trigger.SUB_AGENT}


def place(order: Order) -> Receipt:
    """Create the run of an order, or return the run that stands for its event already.

    Opens and commits its own transaction.

    :raises Invalid: no active agent contract, no canonical input, an unfit parent.
    :raises Conflict: the event id stands for another payload.
    :raises Exhausted: the budget of the day or month is spent.
    """
    refuse_unknown_agent(order.project_id, order.agent_id)
    prepared = intake.prepare(order)
    if receipt := intake.seen(prepared):
        return receipt
    with pipe() as p, p.tenant_tx(order.project_id):
        if order.parent_run_id or order.trigger_type in _NEEDS_PARENT:
            _refuse_unfit_parent(p, order)
        outcome = intake.create(p, prepared)
    return admitted(outcome)


def admitted(outcome: Receipt | Spent) -> Receipt:
    """Return the receipt of an order that was let in.

    :raises Exhausted: the budget of the day or month is spent.
    """
    if isinstance(outcome, Spent):
        raise admission.refusal(outcome)
    return outcome


def with_parents_input(order: Order) -> Order:
    """Return a retry's order with its parent's input as it was kept, for a caller who sent none.

    :raises Invalid: the parent cannot be retried.
    """
    with pipe() as p, p.tenant_tx(order.project_id):
        parent_input = _refuse_unfit_parent(p, order)
    return replace(order, input=json.loads(parent_input))


def refuse_unknown_agent(project_id: str, agent_id: str) -> None:
    """Let only agents with an active contract have runs.

    :raises Invalid: the agent has none.
    """
    if contracts.active(project_id, Family.AGENT, agent_id) is None:
        named = repr(redaction.excerpt(agent_id, 100))
        raise Invalid(Code.CONTRACT_MISSING, f"agent {named} has no active contract")


def shadow_of(*, mode: Mode, is_active: bool) -> bool:
    """Tell whether a run created now is a shadow run.

    :raises Refused: the project may create no run at all.
    """
    projects.refuse_unready(mode=mode, is_active=is_active)
    return modes.starts_in_shadow(mode)


def _refuse_unfit_parent(p: Pipe, order: Order) -> str:
    row = None
    if order.parent_run_id is not None:
        row = p.send(_PARENT, [order.parent_run_id]).fetchone()
    if row is None:
        raise Invalid(Code.RUN_PARENT_UNFIT, "there is no such parent run in this project")
    state, parent_input = row
    if order.trigger_type is Trigger.RETRY and State(state) not in TERMINAL:
        raise Invalid(Code.RUN_PARENT_UNFIT, f"the parent is {state}; it has not ended")
    return str(parent_input)
