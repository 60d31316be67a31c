"""A run's money under its lease: fenced, charged, and the run ended when it was too much."""

from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from awooop.errors import Code, Conflict, Exhausted
from awooop.kit import ids
from awooop.kit.db import tenant_tx
from awooop.ledger import limits
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Account, Entry, Hold, Kind, Level, Period
from runs import leases, money, orders, worker
from runs.fsm import State
from runs.intake import Order
from runs.models import Run, Transition, Trigger

POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'poison'; END $$;
CREATE TRIGGER a_poison BEFORE INSERT ON awooop_budget_ledger FOR EACH ROW
  WHEN (NEW.reservation_id = '{reservation}') EXECUTE FUNCTION poison()
"""
ANTIDOTE = "DROP TRIGGER a_poison ON awooop_budget_ledger; DROP FUNCTION poison()"


def order(tenant, **changes):
    asked = {
        "project_id": tenant.project_id, "agent_id": tenant.agent_id, "is_shadow": True,
        "trigger_type": Trigger.API, "input": {},
    }  # fmt: skip
    return Order(**{**asked, **changes})


def claimed(tenant, count=1):
    for _ in range(count):
        orders.place(order(tenant))
    return leases.claim(worker="w", batch=count)


def limit(scope, period, usd=None, tokens=None, agent=""):
    with tenant_tx("acme"):
        place = Place(scope=scope, period=period, agent_id=agent)
        told = Limit(None if usd is None else Decimal(usd), tokens)
        limits.put("acme", place, told, actor="ann", at=timezone.now())


def reserve(lease, usd="1", tokens=10):
    return money.reserve(lease, usd=Decimal(usd), tokens=tokens, purpose="model:test")


def settle(lease, reservation, usd="1", tokens=10):
    return money.settle(lease, reservation, usd=Decimal(usd), tokens=tokens)


def run_of(lease):
    with tenant_tx("acme"):
        return Run.objects.get(run_id=lease.run_id)


def spent(level=Level.PROJECT, period=Period.DAY):
    with tenant_tx("acme"):
        found = Account.objects.get(level=level, period=period)
    return float(found.reserved_usd), float(found.spent_usd)


@pytest.fixture
def lose_lease():
    """Let leases run out without waiting."""

    def lose(lease):
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_run_state DISABLE TRIGGER run_guard")
            cursor.execute("ALTER TABLE awooop_run_state NO FORCE ROW LEVEL SECURITY")
            cursor.execute(
                "UPDATE awooop_run_state SET lease_expires_at = clock_timestamp()"
                " WHERE run_id = %s",
                [lease.run_id],
            )
            cursor.execute("ALTER TABLE awooop_run_state FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE awooop_run_state ENABLE TRIGGER run_guard")

    return lose


class TestReserve:
    def test_counts_for_the_run_its_agent_and_its_project(self, tenant):
        (lease,) = claimed(tenant)
        reserve(lease, "0.5")

        with tenant_tx("acme"):
            keys = set(Account.objects.values_list("level", "key"))
            assert set(Account.objects.values_list("reserved_usd", flat=True)) == {Decimal("0.5")}
        assert keys == {("run", str(lease.run_id)), ("agent", tenant.agent_id), ("project", "")}

    def test_says_what_does_not_fit_and_keeps_the_refusal(self, tenant):
        limit(Level.RUN, Period.TOTAL, "1")
        (lease,) = claimed(tenant)
        with pytest.raises(Exhausted) as refusal:
            reserve(lease, "1.01")

        assert refusal.value.code is Code.BUDGET_UNFIT
        assert refusal.value.facts == {"level": "run", "period": "total"}
        with tenant_tx("acme"):
            assert Entry.objects.get().kind == Kind.REFUSED

    @pytest.mark.parametrize("fate", ["expired", "passed on", "ended"])
    def test_is_nobodys_right_once_the_lease_is_lost(self, tenant, lose_lease, fate):
        (lease,) = claimed(tenant)
        if fate == "ended":
            leases.finish([worker.execute(lease)])
        else:
            lose_lease(lease)
        if fate == "passed on":
            leases.reap()
            leases.claim(worker="other", batch=1)
        with pytest.raises(Conflict) as refusal:
            reserve(lease)

        assert refusal.value.code is Code.RUN_LEASE_LOST
        with tenant_tx("acme"):
            assert not Entry.objects.exists()
            assert not Hold.objects.exists()


class TestSettle:
    def test_adds_the_cost_to_the_run_rounded_up_to_six_places_in_sum(self, tenant):
        (lease,) = claimed(tenant)
        for _ in range(3):
            settle(lease, reserve(lease), "0.0000001")

        assert run_of(lease).cost_usd == Decimal("0.000001")
        assert spent(Level.RUN, Period.TOTAL) == (0, 0.0000003)

    def test_counts_once(self, tenant):
        (lease,) = claimed(tenant)
        reservation = reserve(lease)
        settle(lease, reservation)
        with pytest.raises(Conflict) as refusal:
            settle(lease, reservation)

        assert refusal.value.code is Code.RESERVATION_CLOSED
        assert spent() == (0, 1)
        assert run_of(lease).cost_usd == 1

    @pytest.mark.parametrize(
        ("scope", "period"),
        [(Level.RUN, Period.TOTAL), (Level.AGENT, Period.MONTH), (Level.PROJECT, Period.DAY)],
    )
    def test_ends_the_run_the_moment_a_limit_is_crossed(self, tenant, scope, period):
        limit(scope, period, "1")
        (lease,) = claimed(tenant)

        settlement = settle(lease, reserve(lease, "1"), "1.25")

        assert (settlement.level, settlement.period, settlement.run_ended) == (scope, period, True)
        run = run_of(lease)
        assert (run.state, run.error_code) == (State.FAILED, Code.BUDGET_OVERSPENT)
        assert scope.value in run.error_detail
        assert run.cost_usd == Decimal("1.25")
        assert leases.finish([worker.execute(lease)]) == 0
        with tenant_tx("acme"):
            last = Transition.objects.order_by("-version").first()
        assert (last.now, last.actor) == ("failed", "worker:w")

    def test_lets_a_run_spend_a_limit_to_the_last_cent(self, tenant):
        limit(Level.RUN, Period.TOTAL, "1", tokens=10)
        (lease,) = claimed(tenant)

        assert not settle(lease, reserve(lease), "1", 10).run_ended
        assert run_of(lease).state == State.RUNNING

    def test_counts_the_money_of_a_lost_lease_and_leaves_the_run_to_its_holder(
        self, tenant, lose_lease
    ):
        limit(Level.RUN, Period.TOTAL, "1")
        (zombie,) = claimed(tenant)
        reservation = reserve(zombie)
        lose_lease(zombie)
        leases.reap()
        (holder,) = leases.claim(worker="other", batch=1)

        settlement = settle(zombie, reservation, "2")

        assert (settlement.level, settlement.run_ended) == (Level.RUN, False)
        assert spent() == (0, 2)
        assert run_of(holder).state == State.RUNNING
        assert run_of(holder).cost_usd == 0
        assert leases.heartbeat([holder]) == set()
        assert run_of(holder).error_code == Code.BUDGET_OVERSPENT

    def test_changes_nothing_of_a_run_that_has_ended(self, tenant):
        (lease,) = claimed(tenant)
        reservation = reserve(lease)
        leases.finish([worker.execute(lease)])
        before = run_of(lease)

        settle(lease, reservation, "1")

        after = run_of(lease)
        assert (after.state, after.version, after.cost_usd) == (before.state, before.version, 0)
        assert spent() == (0, 1)


class TestRelease:
    def test_gives_back_what_was_never_used(self, tenant):
        (lease,) = claimed(tenant)
        reservation = reserve(lease)
        money.release(lease, reservation)

        assert spent() == (0, 0)
        with pytest.raises(Conflict):
            money.release(lease, reservation)

    def test_does_nothing_for_a_reservation_never_made(self, tenant):
        (lease,) = claimed(tenant)
        with pytest.raises(Conflict):
            money.release(lease, ids.new_id())


class TestReleaseLost:
    @pytest.mark.parametrize("fate", ["expired", "requeued", "passed on", "ended"])
    def test_frees_what_a_lost_worker_had_set_aside(self, tenant, lose_lease, fate):
        (lease,) = claimed(tenant)
        reserve(lease)
        if fate == "ended":
            leases.finish([worker.execute(lease)])
        else:
            lose_lease(lease)
        if fate in {"requeued", "passed on"}:
            leases.reap()
        if fate == "passed on":
            leases.claim(worker="other", batch=1)

        assert money.release_lost() == 1
        assert spent() == (0, 0)
        assert money.release_lost() == 0

    def test_leaves_a_call_alone_whose_worker_lives(self, tenant):
        (lease,) = claimed(tenant)
        reserve(lease)

        assert money.release_lost() == 0
        assert spent() == (1, 0)

    def test_comes_with_the_reaper(self, tenant, lose_lease):
        (lease,) = claimed(tenant)
        reserve(lease)
        lose_lease(lease)

        assert worker.reap() == {"pending": 1}
        assert spent() == (0, 0)

    def test_frees_what_is_overdue_whoever_asked_for_it(self, tenant):
        (lease,) = claimed(tenant)
        reserve(lease)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_budget_hold DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE awooop_budget_hold NO FORCE ROW LEVEL SECURITY")
            cursor.execute("UPDATE awooop_budget_hold SET expires_at = clock_timestamp()")
            cursor.execute("ALTER TABLE awooop_budget_hold FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE awooop_budget_hold ENABLE TRIGGER USER")

        assert money.release_lost() == 1
        assert spent() == (0, 0)

    def test_lets_one_that_cannot_be_released_stand_in_nobodys_way(self, tenant, lose_lease):
        taken = claimed(tenant, 3)
        held = sorted(reserve(lease) for lease in taken)
        for lease in taken:
            lose_lease(lease)
        with connections["owner"].cursor() as cursor:
            cursor.execute(POISON.format(reservation=held[1]))
            try:
                assert money.release_lost() == 2
            finally:
                cursor.execute(ANTIDOTE)

        assert money.release_lost() == 1
        assert spent() == (0, 0)


class TestHeartbeat:
    def test_ends_runs_in_hand_when_a_limit_is_lowered_below_what_was_spent(self, tenant):
        poor, rich = claimed(tenant, 2)
        settle(poor, reserve(poor, "3"), "3")
        settle(rich, reserve(rich, "1"), "1")
        assert leases.heartbeat([poor, rich]) == {poor.run_id, rich.run_id}

        limit(Level.RUN, Period.TOTAL, "2")

        assert leases.heartbeat([poor, rich]) == {rich.run_id}
        run = run_of(poor)
        assert (run.state, run.error_code) == (State.FAILED, Code.BUDGET_OVERSPENT)
        assert "run" in run.error_detail

    def test_ends_every_run_of_a_project_that_is_overspent_and_no_neighbours(self, new_tenant):
        acme, other = new_tenant("acme"), new_tenant("other")
        mine, theirs = claimed(acme, 2), claimed(other, 1)
        settle(mine[0], reserve(mine[0], "3"), "3")
        limit(Level.PROJECT, Period.DAY, "2")

        assert leases.heartbeat([*mine, *theirs]) == {theirs[0].run_id}

    def test_leaves_alone_what_was_spent_to_the_last_cent(self, tenant):
        limit(Level.PROJECT, Period.DAY, "3")
        (lease,) = claimed(tenant)
        settle(lease, reserve(lease, "3"), "3")

        assert leases.heartbeat([lease]) == {lease.run_id}
