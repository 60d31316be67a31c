"""Who holds a run: claims, heartbeats, the fence, the reaper. Leases run out by real time."""

from threading import Barrier, Thread
from uuid import UUID

import pytest
from django.db import connection, connections

from awooop.errors import Code
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from runs import leases, orders, worker
from runs.fsm import State
from runs.intake import Order
from runs.leases import Ending
from runs.models import Run, Step, Transition, Trigger


def place(tenant, count=1, **changes):
    return [
        orders.place(
            Order(
                project_id=tenant.project_id,
                agent_id=tenant.agent_id,
                is_shadow=True,
                trigger_type=Trigger.API,
                input={"n": number},
                **changes,
            )
        ).run_id
        for number in range(count)
    ]


def expire(*run_ids: UUID):
    """Let leases run out without waiting: only the owner may turn the guards off for it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE awooop_run_state DISABLE TRIGGER run_guard")
        cursor.execute("ALTER TABLE awooop_run_state NO FORCE ROW LEVEL SECURITY")
        cursor.execute(
            "UPDATE awooop_run_state SET lease_expires_at = clock_timestamp() - interval '1 second'"
            " WHERE run_id = ANY (%s)",
            [list(run_ids)],
        )
        cursor.execute("ALTER TABLE awooop_run_state FORCE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE awooop_run_state ENABLE TRIGGER run_guard")


def state_of(tenant, run_id):
    with tenant_tx(tenant.project_id):
        return Run.objects.get(run_id=run_id).state


class TestClaim:
    def test_takes_the_oldest_first(self, tenant):
        first, second, _ = place(tenant, 3)

        taken = leases.claim(worker="w", batch=2)

        assert [lease.run_id for lease in taken] == [first, second]

    def test_raises_the_epoch_and_counts_the_attempt(self, tenant):
        place(tenant)
        (lease,) = leases.claim(worker="w", batch=1)

        assert (lease.epoch, lease.attempt) == (1, 1)

    def test_never_gives_one_run_to_two_workers(self, tenant):
        place(tenant, 60)
        start, taken = Barrier(4), []

        def work(name):
            start.wait()
            idle = 0
            while idle < 20:
                mine = leases.claim(worker=name, batch=3)
                idle = 0 if mine else idle + 1
                taken.extend(lease.run_id for lease in mine)
            connection.close()

        threads = [Thread(target=work, args=(f"w{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(taken) == len(set(taken)) == 60

    def test_never_passes_a_projects_limit_however_many_workers_claim(self, tenant):
        with tenant_tx("acme"):
            Project.objects.update(max_concurrent_runs=7)
        place(tenant, 30)
        start, taken = Barrier(6), []

        def work(name):
            start.wait()
            for _ in range(10):
                taken.extend(leases.claim(worker=name, batch=2))
            connection.close()

        threads = [Thread(target=work, args=(f"w{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(taken) == 7

    def test_shares_a_batch_fairly_between_a_flood_and_a_trickle(self, new_tenant):
        flood, trickle = new_tenant("flood"), new_tenant("trickle")
        place(flood, 40)
        place(trickle, 3)

        taken = leases.claim(worker="w", batch=10)

        by_project = [lease.project_id for lease in taken]
        assert len(taken) == 10
        assert by_project.count("trickle") == 3

    def test_gives_the_next_slot_to_the_project_with_the_fewest_in_hand(self, new_tenant):
        busy, idle = new_tenant("busy"), new_tenant("idle")
        place(busy, 10)
        leases.claim(worker="w", batch=5)
        place(idle, 5)

        taken = leases.claim(worker="w", batch=4)

        assert [lease.project_id for lease in taken].count("idle") == 4

    @pytest.mark.parametrize(
        "change", [{"is_active": False}, {"migration_mode": "legacy_awoooi_default"}]
    )
    def test_leaves_a_project_alone_that_may_not_work(self, tenant, change):
        place(tenant)
        with tenant_tx("acme"):
            Project.objects.update(**change)

        assert leases.claim(worker="w", batch=5) == []

    def test_leaves_a_run_alone_whose_time_ran_out(self, tenant):
        place(tenant, timeout_seconds=0)

        assert leases.claim(worker="w", batch=5) == []


class TestHeartbeat:
    def test_keeps_what_is_held_and_names_what_is_lost(self, tenant):
        place(tenant, 2)
        held, lost = leases.claim(worker="w", batch=2)
        expire(lost.run_id)

        assert leases.heartbeat([held, lost]) == {held.run_id}


class TestFinish:
    def test_journals_every_step_and_ends_the_run_in_one_commit(self, tenant):
        (run_id,) = place(tenant)
        leases.finish([worker.execute(lease) for lease in leases.claim(worker="w", batch=1)])

        with tenant_tx("acme"):
            run = Run.objects.get(run_id=run_id)
            steps = list(Step.objects.order_by("step_seq").values_list("step_seq", "result_status"))
        assert run.state == State.COMPLETED
        assert run.step_count == len(steps) == 6
        assert [seq for seq, _ in steps] == [1, 2, 3, 4, 5, 6]
        assert run.output_sha256

    def test_changes_nothing_under_a_stale_epoch(self, tenant):
        (run_id,) = place(tenant)
        (zombie,) = leases.claim(worker="zombie", batch=1)
        expire(run_id)
        leases.reap()
        (holder,) = leases.claim(worker="holder", batch=1)

        assert leases.finish([worker.execute(zombie)]) == 0
        assert state_of(tenant, run_id) == State.RUNNING
        assert leases.finish([worker.execute(holder)]) == 1

    def test_changes_nothing_once_the_lease_ran_out_even_if_nobody_took_over(self, tenant):
        (run_id,) = place(tenant)
        (lease,) = leases.claim(worker="w", batch=1)
        expire(run_id)

        assert leases.finish([worker.execute(lease)]) == 0
        with tenant_tx("acme"):
            assert not Step.objects.exists()

    def test_fails_a_poisoned_run_alone(self, tenant):
        place(tenant, 3)
        taken = leases.claim(worker="w", batch=3)
        poisoned = Ending(taken[1], State.COMPLETED, "x", steps='[{"step_seq": 0}]', step_count=1)
        endings = [worker.execute(taken[0]), poisoned, worker.execute(taken[2])]

        assert leases.finish(endings) == 3
        assert state_of(tenant, taken[0].run_id) == State.COMPLETED
        assert state_of(tenant, taken[1].run_id) == State.FAILED
        assert state_of(tenant, taken[2].run_id) == State.COMPLETED


class TestReap:
    def test_requeues_a_run_whose_worker_was_lost(self, tenant):
        (run_id,) = place(tenant)
        leases.claim(worker="w", batch=1)
        expire(run_id)

        assert leases.reap() == {"pending": 1}

    def test_fails_a_run_when_its_attempts_are_spent(self, tenant):
        (run_id,) = place(tenant, max_attempts=3)
        for _ in range(3):
            leases.claim(worker="w", batch=1)
            expire(run_id)
            leases.reap()

        with tenant_tx("acme"):
            run = Run.objects.get()
        assert (run.state, run.error_code) == (State.FAILED, Code.RUN_ATTEMPTS_SPENT)

    def test_times_out_a_late_run_wherever_it_stands(self, tenant):
        place(tenant, 2, timeout_seconds=0)

        assert leases.reap() == {"timeout": 2}
        with tenant_tx("acme"):
            assert set(Run.objects.values_list("error_code", flat=True)) == {Code.RUN_TIMEOUT}

    def test_leaves_a_held_run_alone(self, tenant):
        place(tenant)
        leases.claim(worker="w", batch=1)

        assert leases.reap() == {}

    def test_notes_each_move(self, tenant):
        (run_id,) = place(tenant)
        leases.claim(worker="w", batch=1)
        expire(run_id)
        leases.reap()

        with tenant_tx("acme"):
            moves = list(Transition.objects.order_by("version").values_list("was", "now", "actor"))
        assert moves == [("pending", "running", "worker:w"), ("running", "pending", "reaper")]
