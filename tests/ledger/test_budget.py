"""Reserve, settle, release: what they leave in accounts, holds, alerts and the ledger."""

from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection

from awooop.errors import Code, Conflict, Invalid
from awooop.kit import ids
from awooop.kit.db import NotInTransaction, pipe, tenant_tx
from awooop.ledger import budget
from awooop.ledger.models import Account, Entry, Kind, Level, Period
from awooop.tenants.models import Project

PROJECT, AGENT, RUN = Level.PROJECT, Level.AGENT, Level.RUN
DAY, MONTH, TOTAL = Period.DAY, Period.MONTH, Period.TOTAL


def told(account):
    return None if account is None else tuple(map(float, account))


class TestReserve:
    def test_sets_money_aside_at_every_level_and_opens_a_hold(self, purse):
        answer = purse.reserve("0.25", 10)

        assert answer.kind is Kind.RESERVE
        accounts = {(a.level, a.period, a.key): a for a in purse.accounts()}
        assert set(accounts) == {
            (AGENT, DAY, "sre"), (AGENT, MONTH, "sre"), (PROJECT, DAY, ""), (PROJECT, MONTH, ""),
        }  # fmt: skip
        assert {(a.reserved_usd, a.reserved_tokens) for a in accounts.values()} == {
            (Decimal("0.25"), 10)
        }
        (hold,) = purse.holds()
        assert (hold.reservation_id, hold.usd) == (answer.reservation_id, Decimal("0.25"))

    def test_fills_a_limit_to_the_last_cent_and_not_beyond(self, purse):
        purse.limit(PROJECT, DAY, "1")

        assert purse.reserve("0.9999999999").kind is Kind.RESERVE
        assert purse.reserve("0.0000000002").kind is Kind.REFUSED
        assert purse.reserve("0.0000000001").kind is Kind.RESERVE

    @pytest.mark.parametrize(
        ("scope", "period", "agent"),
        [(PROJECT, DAY, ""), (PROJECT, MONTH, ""), (AGENT, DAY, ""), (AGENT, MONTH, "sre")],
    )
    def test_names_the_limit_it_does_not_fit_and_sets_nothing_aside(
        self, purse, scope, period, agent
    ):
        purse.limit(scope, period, "2", agent=agent)
        purse.spend("1.5")
        before = [(a.reserved_usd, a.spent_usd) for a in purse.accounts()]

        refusal = purse.reserve("0.6")

        assert (refusal.kind, refusal.level, refusal.period) == (Kind.REFUSED, scope, period)
        assert [(a.reserved_usd, a.spent_usd) for a in purse.accounts()] == before
        assert purse.holds() == []
        assert purse.kinds()[-1] is Kind.REFUSED

    def test_counts_tokens_as_it_counts_money(self, purse):
        purse.limit(PROJECT, DAY, tokens=100)

        assert purse.reserve("0", 60).kind is Kind.RESERVE
        assert purse.reserve("0", 41).kind is Kind.REFUSED
        assert purse.reserve("0", 40).kind is Kind.RESERVE

    def test_lets_an_agents_own_limit_stand_in_place_of_everybodys(self, purse):
        purse.limit(AGENT, DAY, "1")
        purse.limit(AGENT, DAY, "3", agent="rich")

        assert purse.reserve("2", agent="poor").kind is Kind.REFUSED
        assert purse.reserve("2", agent="rich").kind is Kind.RESERVE

    @pytest.mark.parametrize(("own", "limit"), [("1", "5"), ("5", "1")])
    def test_holds_the_project_to_the_stricter_of_its_two_monthly_limits(self, purse, own, limit):
        with tenant_tx("acme"):
            Project.objects.update(budget_limit_usd=Decimal(own))
        purse.limit(PROJECT, MONTH, limit)

        assert purse.reserve("1.1").period is MONTH
        assert purse.reserve("1").kind is Kind.RESERVE

    def test_keeps_the_money_of_two_tenants_apart(self, new_purse):
        one, other = new_purse("one"), new_purse("other")
        one.limit(PROJECT, DAY, "1")
        other.spend("50")

        assert one.reserve("1").kind is Kind.RESERVE

    def test_goes_the_same_way_through_a_pipe(self, purse):
        purse.limit(PROJECT, DAY, "1")
        with pipe() as p, p.tenant_tx("acme"):
            first = budget.send_reserve(p, purse.ask("0.7"))
            second = budget.send_reserve(p, purse.ask("0.7"))

        assert [first.answer().kind, second.answer().kind] == [Kind.RESERVE, Kind.REFUSED]

    def test_needs_the_callers_transaction(self, purse):
        with pytest.raises(NotInTransaction):
            budget.reserve(purse.ask())

    @pytest.mark.parametrize("usd", ["NaN", "Infinity", "-0.01", "1000000.01"])
    def test_refuses_what_is_no_amount(self, purse, usd):
        with pytest.raises(Invalid) as refusal:
            purse.reserve(usd)
        assert refusal.value.code is Code.AMOUNT_INVALID

    @pytest.mark.parametrize("tokens", [-1, 10**12 + 1, 1.5, True])
    def test_refuses_what_is_no_number_of_tokens(self, purse, tokens):
        with pytest.raises(Invalid):
            purse.reserve("1", tokens)

    def test_refuses_a_float(self, purse):
        with tenant_tx("acme"), pytest.raises(Invalid):
            budget.settle(ids.new_id(), project_id="acme", usd=0.1, tokens=0, actor="test")


class TestSettle:
    def test_exchanges_the_estimate_for_the_truth(self, purse):
        purse.settle(purse.reserve("2", 100), "0.5", 20)

        assert told(purse.account()) == (0, 0.5)
        assert told(purse.account(AGENT, MONTH, "sre")) == (0, 0.5)
        assert purse.holds() == []
        with tenant_tx("acme"):
            assert set(Account.objects.values_list("spent_tokens", "calls")) == {(20, 1)}

    def test_counts_once(self, purse):
        answer = purse.reserve("2")
        purse.settle(answer, "1")

        with pytest.raises(Conflict) as refusal:
            purse.settle(answer, "1")
        assert refusal.value.code is Code.RESERVATION_CLOSED
        assert told(purse.account()) == (0, 1)

    def test_counts_once_when_two_try_together(self, purse):
        answer, start, done = purse.reserve("2"), Barrier(4), []

        def settle():
            start.wait()
            try:
                done.append(purse.settle(answer, "1"))
            except Conflict:
                pass
            finally:
                connection.close()

        threads = [Thread(target=settle) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(done) == 1
        assert told(purse.account()) == (0, 1)

    def test_still_counts_what_was_released(self, purse):
        answer = purse.reserve("2")
        purse.release(answer)
        purse.settle(answer, "1.5")

        assert told(purse.account()) == (0, 1.5)
        with pytest.raises(Conflict):
            purse.settle(answer, "1.5")

    def test_says_which_limit_it_went_over(self, purse):
        purse.limit(PROJECT, DAY, "1")
        within = purse.settle(purse.reserve("0.5"), "0.5")
        over = purse.settle(purse.reserve("0.5"), "0.6")

        assert (within.level, within.period) == (None, None)
        assert (over.level, over.period) == (PROJECT, DAY)

    def test_knows_nothing_of_a_reservation_never_made_or_refused(self, purse):
        purse.limit(PROJECT, DAY, "1")
        refused = purse.reserve("2")

        for answer in (refused, budget.Answer(Kind.RESERVE, ids.new_id(), None, None)):
            with pytest.raises(Conflict):
                purse.settle(answer)

    def test_knows_nothing_of_a_neighbours_reservation(self, new_purse):
        one, other = new_purse("one"), new_purse("other")
        answer = one.reserve()

        with pytest.raises(Conflict):
            other.settle(answer)
        assert told(one.account()) == (1, 0)


class TestRelease:
    def test_gives_back_what_was_set_aside_once(self, purse):
        answer = purse.reserve("2", 7)
        purse.release(answer)

        assert told(purse.account()) == (0, 0)
        with pytest.raises(Conflict):
            purse.release(answer)

    def test_cannot_undo_a_settlement(self, purse):
        answer = purse.reserve("2")
        purse.settle(answer, "2")

        with pytest.raises(Conflict):
            purse.release(answer)
        assert told(purse.account()) == (0, 2)


class TestPeriods:
    FIRST, LAST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # 25 hours apart: never the same day

    def test_begin_at_midnight_in_the_projects_own_zone(self, purse):
        for zone in (self.FIRST, "Asia/Taipei", self.LAST):
            purse.live_in(zone)
            before = purse.today()
            purse.reserve("1")
            with tenant_tx("acme"):
                entry = Entry.objects.order_by("-entry_id").first()
            assert before <= entry.day <= purse.today()
            assert entry.month == entry.day.replace(day=1)

    def test_give_new_money_each_day_while_yesterdays_call_counts_for_yesterday(self, purse):
        purse.limit(PROJECT, DAY, "1")
        purse.live_in(self.LAST)
        yesterday, running = purse.today(), purse.reserve("1")
        purse.live_in(self.FIRST)

        assert purse.reserve("1").kind is Kind.RESERVE
        purse.settle(running, "0.75")

        days = {a.starts_on: a for a in purse.accounts() if (a.level, a.period) == (PROJECT, DAY)}
        assert len(days) == 2
        assert told((days[yesterday].reserved_usd, days[yesterday].spent_usd)) == (0, 0.75)
        today = days[max(days)]
        assert told((today.reserved_usd, today.spent_usd)) == (1, 0)

    def test_give_new_money_each_month_while_the_old_call_counts_for_the_old(
        self, purse, a_month_passes
    ):
        purse.limit(PROJECT, MONTH, "1")
        purse.live_in("Asia/Taipei")
        running = purse.reserve("1")
        a_month_passes()

        assert purse.reserve("1").kind is Kind.RESERVE
        purse.settle(running, "1")

        months = [
            told((a.reserved_usd, a.spent_usd))
            for a in purse.accounts()
            if (a.level, a.period) == (PROJECT, MONTH)
        ]
        assert months == [(0, 1), (1, 0)]


class TestAlerts:
    def test_come_at_50_80_and_95_per_cent_once_each(self, purse):
        purse.limit(PROJECT, DAY, "10")
        seen = []
        for usd in ("4.9", "0.1", "2.9", "0.1", "1.5", "0.4"):
            purse.spend(usd)
            seen.append(len(purse.alerts()))

        assert seen == [0, 1, 1, 2, 3, 3]
        assert purse.alerts() == [(PROJECT, DAY, n) for n in (50, 80, 95)]

    def test_come_again_in_a_new_period(self, purse):
        purse.limit(PROJECT, DAY, "1")
        for zone in (TestPeriods.LAST, TestPeriods.FIRST):
            purse.live_in(zone)
            purse.spend("0.6")

        assert purse.alerts() == [(PROJECT, DAY, 50)] * 2

    def test_come_once_under_concurrency(self, purse):
        purse.limit(PROJECT, DAY, "8")
        purse.limit(AGENT, DAY, tokens=80)
        start, failed = Barrier(4), []

        def work(n):
            start.wait()
            try:
                for _ in range(2):
                    purse.spend("1", 10, agent="sre")
            except Exception as reason:
                failed.append(reason)
            finally:
                connection.close()

        threads = [Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failed == []
        assert purse.alerts() == [
            (scope, DAY, n) for scope in (AGENT, PROJECT) for n in (50, 80, 95)
        ]

    def test_need_something_to_be_spent(self, purse):
        purse.limit(PROJECT, DAY, "0")
        purse.spend("0")

        assert purse.alerts() == []
