"""One run changes state, or says who got there first."""

import pytest

from awooop.errors import Code, Conflict, NotFound
from awooop.kit import ids
from awooop.kit.db import NotInTransaction, tenant_tx
from runs import moves, orders
from runs.fsm import State
from runs.intake import Order
from runs.models import Run, Transition, Trigger


@pytest.fixture
def run_id(tenant):
    order = Order(
        project_id=tenant.project_id,
        agent_id=tenant.agent_id,
        is_shadow=True,
        trigger_type=Trigger.API,
        input={},
    )
    return orders.place(order).run_id


def cancel(run_id):
    return moves.move(run_id, State.CANCELLED, actor="operator:ann", reason="not wanted")


class TestMove:
    def test_writes_one_transition_with_actor_and_reason(self, run_id):
        with tenant_tx("acme"):
            cancel(run_id)
            rows = Transition.objects.values_list("was", "now", "actor", "reason", "version")

            assert list(rows) == [("pending", "cancelled", "operator:ann", "not wanted", 2)]

    def test_stamps_the_end_exactly_when_it_ends(self, run_id):
        with tenant_tx("acme"):
            assert Run.objects.get().completed_at is None
            cancel(run_id)
            assert Run.objects.get().completed_at is not None

    def test_names_the_present_state_when_it_refuses(self, run_id):
        with tenant_tx("acme"):
            cancel(run_id)
            with pytest.raises(Conflict) as refusal:
                cancel(run_id)

        assert refusal.value.code is Code.RUN_ILLEGAL_MOVE
        assert refusal.value.facts["state"] == "cancelled"

    def test_finds_no_run_of_another_tenant(self, run_id, new_tenant):
        new_tenant("globex")
        with tenant_tx("globex"), pytest.raises(NotFound):
            cancel(run_id)

    def test_finds_no_run_that_is_not_there(self, tenant):
        with tenant_tx("acme"), pytest.raises(NotFound):
            cancel(ids.new_id())

    def test_demands_a_transaction(self, run_id):
        with pytest.raises(NotInTransaction):
            cancel(run_id)

    def test_does_not_count_the_time_a_human_takes(self, run_id):
        with tenant_tx("acme"):
            before = Run.objects.get().timeout_at
            moves.move(run_id, State.RUNNING, actor="t", reason="t")
            moves.move(run_id, State.WAITING_APPROVAL, actor="t", reason="t")
        with tenant_tx("acme"):
            waiting = Run.objects.get().waiting_since
            moves.move(run_id, State.RUNNING, actor="t", reason="t")
            run = Run.objects.get()

        assert waiting is not None
        assert run.waiting_since is None
        assert run.timeout_at > before
