"""What a worker does with the runs it takes."""

from django.db import connections

from awooop.errors import Code
from awooop.kit.db import tenant_tx
from contracts import queries as contracts
from contracts.models import ContractRevision
from runs import orders, wake, worker
from runs.fsm import State
from runs.intake import Order
from runs.models import Run, Step, Trigger


def place(tenant):
    return orders.place(
        Order(
            project_id=tenant.project_id,
            agent_id=tenant.agent_id,
            is_shadow=True,
            trigger_type=Trigger.API,
            input={},
        )
    ).run_id


class TestDrain:
    def test_simulates_what_reads_and_blocks_what_harms(self, tenant):
        place(tenant)

        assert worker.drain(worker="w") == 1
        with tenant_tx("acme"):
            told = dict(Step.objects.values_list("tool_name", "result_status"))
            reasons = set(Step.objects.filter(was_blocked=True).values_list("block_reason"))
        assert told["get_pods"] == "simulated"
        assert told["restart_deployment"] == told["delete_pod"] == "blocked"
        assert reasons == {("shadow_mode_destructive_blocked",)}

    def test_never_says_success_of_what_was_not_executed(self, tenant):
        place(tenant)
        worker.drain(worker="w")

        with tenant_tx("acme"):
            assert not Step.objects.filter(result_status="success").exists()

    def test_works_through_more_than_one_batch(self, tenant):
        for _ in range(7):
            place(tenant)

        assert worker.drain(worker="w", batch=2) == 7

    def test_fails_a_run_whose_agent_lost_its_contract(self, tenant):
        run_id = place(tenant)
        with tenant_tx("acme"):
            ContractRevision.objects.update(lifecycle_status="retired")
        contracts.forget()
        worker.drain(worker="w")

        with tenant_tx("acme"):
            run = Run.objects.get(run_id=run_id)
        assert (run.state, run.error_code) == (State.FAILED, Code.CONTRACT_MISSING)

    def test_fails_a_run_whose_contract_was_altered_and_goes_on(self, tenant):
        place(tenant)
        place(tenant)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_contract_revision NO FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE awooop_contract_revision DISABLE TRIGGER USER")
            cursor.execute(
                "UPDATE awooop_contract_revision SET body = '{\"tools\": [7]}', body_hash = 'x'"
                " WHERE contract_family = 'agent'"
            )
            cursor.execute("ALTER TABLE awooop_contract_revision ENABLE TRIGGER USER")
            cursor.execute("ALTER TABLE awooop_contract_revision FORCE ROW LEVEL SECURITY")
        contracts.forget()

        assert worker.drain(worker="w") == 2
        with tenant_tx("acme"):
            assert set(Run.objects.values_list("state", "error_code")) == {
                (State.FAILED, Code.CONTRACT_UNSOUND)
            }
            assert all(len(d) <= 500 for (d,) in Run.objects.values_list("error_detail"))


class TestBell:
    def test_rings_once_until_a_worker_listens(self, clean):
        assert wake.due()
        assert not wake.due()
        wake.heard()
        assert wake.due()
