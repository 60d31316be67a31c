"""Workers die and freeze at any point; no run is lost, stuck or written twice."""

import os
import random
import signal
import time

import pytest
from django.db import connections
from django.db.models import Count

from awooop.kit import redis
from awooop.kit.db import tenant_tx
from runs import fsm, leases, orders, worker
from runs.fsm import State
from runs.intake import Order
from runs.models import Run, Step, Transition, Trigger

KILLS, RUNS, STEPS = 50, 60, 6


def place(tenant, count):
    for number in range(count):
        orders.place(
            Order(
                project_id=tenant.project_id,
                agent_id=tenant.agent_id,
                is_shadow=True,
                trigger_type=Trigger.API,
                input={"n": number},
            )
        )


def fork(work):
    """Run ``work(say)`` in a child; return its pid and the end of the pipe it says things into."""
    connections.close_all()
    redis.forget_client()
    hear, say = os.pipe()
    if pid := os.fork():
        os.close(say)
        return pid, hear
    try:
        os.close(hear)
        work(lambda word: os.write(say, word))
        os._exit(0)
    except BaseException:
        os._exit(1)


@pytest.fixture
def short_leases(settings):
    settings.RUN_LEASE_SECONDS = 1


@pytest.mark.usefixtures("short_leases")
class TestKill:
    def test_at_any_point_loses_sticks_and_doubles_nothing(self, tenant):
        place(tenant, RUNS)
        chance = random.Random(60)

        def work(say):
            say(b"!")
            while True:
                worker.drain(worker=f"w{os.getpid()}")

        for _ in range(KILLS):
            pid, hear = fork(work)
            os.read(hear, 1)
            time.sleep(chance.uniform(0, 0.03))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(hear)
            leases.reap()
        self.settle(tenant)

        with tenant_tx(tenant.project_id):
            assert Run.objects.count() == RUNS
            assert set(Run.objects.values_list("state", flat=True)) == {State.COMPLETED}
            assert Run.objects.filter(attempt_count__gt=1).exists(), "no kill hit a run in hand"
            per_run = Step.objects.values("run_id").annotate(n=Count("step_seq"))
            assert {row["n"] for row in per_run} == {STEPS}
            moves = list(
                Transition.objects.order_by("run_id", "version").values_list(
                    "run_id", "version", "was", "now"
                )
            )
        self.check_chains(moves)

    @staticmethod
    def settle(tenant):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            leases.reap()
            worker.drain(worker="healthy")
            with tenant_tx(tenant.project_id):
                if not Run.objects.exclude(state__in=fsm.TERMINAL).exists():
                    return
            time.sleep(0.1)
        pytest.fail("a run is stuck")

    @staticmethod
    def check_chains(moves):
        last = {}
        for run_id, version, was, now in moves:
            before_version, before = last.get(run_id, (1, "pending"))
            assert (version, was) == (before_version + 1, before)
            assert now in fsm.MOVES[State(was)]
            last[run_id] = (version, now)


@pytest.mark.usefixtures("short_leases")
class TestFreeze:
    def test_past_the_lease_changes_nothing_and_lives_on(self, tenant):
        place(tenant, 3)

        def work(say):
            taken = leases.claim(worker="zombie", batch=3)
            say(b"c")
            os.kill(os.getpid(), signal.SIGSTOP)
            ended = leases.finish([worker.execute(lease) for lease in taken])
            kept = leases.heartbeat(taken)
            say(bytes([ended, len(kept)]))
            say(bytes([worker.drain(worker="zombie")]))

        pid, hear = fork(work)
        assert os.read(hear, 1) == b"c"
        os.waitpid(pid, os.WUNTRACED)
        while leases.reap().get("pending", 0) == 0:
            time.sleep(0.05)
        assert worker.drain(worker="healthy") == 3
        with tenant_tx(tenant.project_id):
            before = list(Run.objects.order_by("run_id").values())
        place(tenant, 2)

        os.kill(pid, signal.SIGCONT)
        assert os.read(hear, 2) == bytes([0, 0]), "a late write was taken"
        assert os.read(hear, 1) == bytes([2]), "the worker did not live on"
        os.waitpid(pid, 0)
        with tenant_tx(tenant.project_id):
            ids_before = [row["run_id"] for row in before]
            after = list(Run.objects.filter(run_id__in=ids_before).order_by("run_id").values())
            assert after == before
            assert Step.objects.filter(run_id__in=ids_before).count() == 3 * STEPS
