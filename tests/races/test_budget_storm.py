"""Many ask for the same money at once, and some die holding it: no more goes out than is there."""

import os
import signal
import threading
import time
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.utils import timezone

from awooop.kit import redis
from awooop.kit.db import operator_tx, pipe, tenant_tx
from awooop.ledger import budget, limits
from awooop.ledger.budget import Ask
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Account, Entry, Hold, Kind, Level, Period
from runs import leases, money, orders, worker
from runs.fsm import State
from runs.intake import Order
from runs.models import Run, Trigger

ASKED, WORTH, THREADS = 100, 37, 5  # asked in each of two processes; worth in all
PRICE = Decimal("0.27")
SAMPLE = """
SELECT max(a.spent_usd + a.reserved_usd) FROM awooop_budget_account a
 WHERE a.level = 'project' AND a.period = 'day'
"""


def limit(usd, scope=Level.PROJECT, period=Period.DAY):
    with tenant_tx("acme"):
        place = Place(scope=scope, period=period)
        limits.put("acme", place, Limit(usd), actor="ann", at=timezone.now())


def ask(agent):
    return Ask(project_id="acme", agent_id=agent, usd=PRICE, tokens=1, purpose="x", actor="t")


def knock(agent):
    """Ask again and again, in five threads; half of what is granted is settled at once."""
    start, failed = Barrier(THREADS), []

    def work():
        try:
            start.wait()
            for n in range(ASKED // THREADS):
                with pipe() as p, p.tenant_tx("acme"):
                    coming = budget.send_reserve(p, ask(agent))
                answer = coming.answer()
                if answer.kind is Kind.RESERVE and n % 2:
                    with pipe() as p, p.tenant_tx("acme"):
                        budget.send_settle(
                            p, answer.reservation_id, project_id="acme", usd=PRICE, tokens=1,
                            actor="t",
                        )  # fmt: skip
        except Exception as reason:
            failed.append(reason)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


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


class Sampler:
    """Looks at the account on a connection of its own, all the time."""

    def __init__(self):
        self.most, self.looks, self._stop = Decimal(0), 0, threading.Event()
        self._thread = Thread(target=self._look)

    def _look(self):
        try:
            while not self._stop.is_set():
                with operator_tx("*"), connection.cursor() as cursor:
                    cursor.execute(SAMPLE)
                    self.most = max(self.most, cursor.fetchone()[0] or 0)
                self.looks += 1
        finally:
            connection.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class TestStorm:
    def test_grants_exactly_what_the_limit_is_worth_and_never_shows_more(self, tenant):
        limit(PRICE * WORTH + PRICE / 2)

        def other(say):
            os._exit(len(knock("b")))

        pid, hear = fork(other)
        with Sampler() as sampler:
            failed = knock("a")
            _, status = os.waitpid(pid, 0)
        os.close(hear)

        assert (failed, status) == ([], 0)
        with tenant_tx("acme"):
            kinds = list(Entry.objects.values_list("kind", flat=True))
            agents = set(Entry.objects.values_list("agent_id", flat=True))
            account = Account.objects.get(level=Level.PROJECT, period=Period.DAY)
            held = Hold.objects.count()
        assert (kinds.count("reserve"), kinds.count("refused")) == (WORTH, 2 * ASKED - WORTH)
        assert agents == {"a", "b"}
        assert account.spent_usd + account.reserved_usd == PRICE * WORTH
        assert account.reserved_usd == held * PRICE
        assert sampler.looks >= 3
        assert sampler.most <= PRICE * WORTH

    def test_deadlocks_for_nobody_when_agents_reserve_settle_and_release_crosswise(self, tenant):
        with Sampler():
            failed = []

            def work(agents):
                try:
                    for n in range(24):
                        agent = agents[n % 2]
                        with tenant_tx("acme"):
                            answer = budget.reserve(ask(agent))
                        with tenant_tx("acme"):
                            end = {"project_id": "acme", "actor": "t"}
                            if n % 3:
                                budget.settle(answer.reservation_id, usd=PRICE, tokens=1, **end)
                            else:
                                budget.release(answer.reservation_id, **end)
                except Exception as reason:
                    failed.append(reason)
                finally:
                    connection.close()

            threads = [Thread(target=work, args=(pair,)) for pair in ("ab", "ba", "ab", "ba")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert failed == []
        with tenant_tx("acme"):
            accounts = Account.objects.filter(level=Level.PROJECT)
            told = {(a.reserved_usd, a.spent_usd, a.calls) for a in accounts}
        assert told == {(0, 64 * PRICE, 64)}


@pytest.fixture
def short_leases(settings):
    settings.RUN_LEASE_SECONDS = 1


@pytest.mark.usefixtures("short_leases")
class TestKill:
    def test_between_reserve_and_settle_leaks_nothing_beyond_the_reaper(self, tenant):
        """kill -9 right after the reservation: the money is free again with the lost lease."""
        limit(PRICE, Level.PROJECT)
        orders.place(
            Order(
                project_id="acme",
                agent_id=tenant.agent_id,
                is_shadow=True,
                trigger_type=Trigger.API,
                input={},
            )
        )

        def work(say):
            (lease,) = leases.claim(worker="doomed", batch=1)
            money.reserve(lease, usd=PRICE, tokens=1, purpose="x")
            say(b"r")
            os.kill(os.getpid(), signal.SIGKILL)

        pid, hear = fork(work)
        assert os.read(hear, 1) == b"r"
        os.waitpid(pid, 0)
        os.close(hear)
        with tenant_tx("acme"):
            assert Account.objects.get(level="project", period="day").reserved_usd == PRICE

        deadline = time.monotonic() + 10
        while worker.reap().get("pending", 0) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)

        with tenant_tx("acme"):
            assert set(Account.objects.values_list("reserved_usd", "spent_usd")) == {(0, 0)}
            assert not Hold.objects.exists()
        (lease,) = leases.claim(worker="healthy", batch=1)
        again = money.reserve(lease, usd=PRICE, tokens=1, purpose="x")
        money.settle(lease, again, usd=PRICE, tokens=1)
        assert leases.finish([worker.execute(lease)]) == 1
        with tenant_tx("acme"):
            run = Run.objects.get()
        assert (run.state, run.cost_usd) == (State.COMPLETED, PRICE)
