"""Any sequence of asks, settlements, releases and new limits, beside a model in plain Python.

``LEDGER_EXAMPLES`` says how many sequences are tried.
"""

import itertools
import os
from collections import defaultdict
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from awooop.errors import Conflict
from awooop.kit.db import tenant_tx
from awooop.ledger import budget, limits
from awooop.ledger.budget import Ask
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Account, Alert, Hold, Kind, Level, Period
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "25"))
AGENTS = ("a", "b")
PLACES = [
    *((Level.PROJECT, period, "") for period in (Period.DAY, Period.MONTH)),
    *((Level.AGENT, period, agent)
      for period in (Period.DAY, Period.MONTH) for agent in ("", "a")),
]  # fmt: skip
SHARES = (50, 80, 95)
USD = st.decimals(0, 12, places=10)
TOKENS = st.integers(0, 120)
projects = (f"model-{n}" for n in itertools.count())


class Counters:
    def __init__(self):
        self.reserved, self.spent = [Decimal(0), 0], [Decimal(0), 0]


class Arithmetic(RuleBasedStateMachine):
    """One project, two agents; day and month never change while it runs."""

    held = Bundle("held")

    def __init__(self):
        super().__init__()
        self.project = next(projects)
        self.accounts = defaultdict(Counters)
        self.limits, self.open, self.owners = {}, {}, {}
        self.settled, self.alerts = set(), set()
        with tenant_tx(self.project):
            Project.objects.create(
                project_id=self.project, display_name="m", migration_mode=Mode.SHADOW,
                created_at=timezone.now(),
            )  # fmt: skip

    def levels(self, agent):
        for period in (Period.DAY, Period.MONTH):
            own = self.limits.get((Level.AGENT, period, agent))
            each = self.limits.get((Level.AGENT, period, ""))
            yield (Level.AGENT, period, agent), own or each
        for period in (Period.DAY, Period.MONTH):
            yield (Level.PROJECT, period, ""), self.limits.get((Level.PROJECT, period, ""))

    @rule(place=st.sampled_from(PLACES), usd=st.none() | USD, tokens=st.none() | TOKENS)
    def limit(self, place, usd, tokens):
        scope, period, agent = place
        where = Place(scope=scope, period=period, agent_id=agent)
        before = self.limits.pop(place, None)
        with tenant_tx(self.project):
            if usd is None and tokens is None:
                stood = limits.clear(self.project, where, actor="m")
            else:
                stood = limits.put(
                    self.project, where, Limit(usd, tokens), actor="m", at=timezone.now()
                )
                self.limits[place] = (usd, tokens)
        assert (stood and (stood.usd, stood.tokens)) == before

    @rule(target=held, agent=st.sampled_from(AGENTS), usd=USD, tokens=TOKENS)
    def reserve(self, agent, usd, tokens):
        asked = (usd, tokens)
        unfit = None
        for name, limit in self.levels(agent):
            account = self.accounts[name]
            for n in (0, 1):
                left = limit and limit[n]
                if left is not None and account.spent[n] + account.reserved[n] + asked[n] > left:
                    unfit = unfit or name
        with tenant_tx(self.project):
            answer = budget.reserve(
                Ask(project_id=self.project, agent_id=agent, usd=usd, tokens=tokens,
                    purpose="m", actor="m")
            )  # fmt: skip
        if unfit:
            assert (answer.kind, answer.level, answer.period) == (Kind.REFUSED, *unfit[:2])
            return multiple()
        assert answer.kind is Kind.RESERVE
        for name, _ in self.levels(agent):
            for n in (0, 1):
                self.accounts[name].reserved[n] += asked[n]
        self.open[answer.reservation_id] = (agent, asked)
        self.owners[answer.reservation_id] = agent
        return answer.reservation_id

    def give_back(self, reservation):
        agent, asked = self.open.pop(reservation)
        for name, _ in self.levels(agent):
            for n in (0, 1):
                self.accounts[name].reserved[n] -= asked[n]

    @rule(reservation=held, usd=USD, tokens=TOKENS)
    def settle(self, reservation, usd, tokens):
        def go():
            with tenant_tx(self.project):
                return budget.settle(
                    reservation, project_id=self.project, usd=usd, tokens=tokens, actor="m"
                )

        if reservation in self.settled:
            with pytest.raises(Conflict):
                go()
            return
        answer = go()
        self.settled.add(reservation)
        if reservation in self.open:
            self.give_back(reservation)
        over = None
        for name, limit in self.levels(self.owners[reservation]):
            account = self.accounts[name]
            for n, more in ((0, usd), (1, tokens)):
                account.spent[n] += more
            for n in (0, 1):
                if limit is None or limit[n] is None:
                    continue
                if account.spent[n] > limit[n]:
                    over = over or name
                self.alerts |= {
                    (*name, share)
                    for share in SHARES
                    if account.spent[n] > 0 and account.spent[n] * 100 >= limit[n] * share
                }
        assert (answer.level, answer.period) == (over[:2] if over else (None, None))

    @rule(reservation=held)
    def release(self, reservation):
        def go():
            with tenant_tx(self.project):
                budget.release(reservation, project_id=self.project, actor="m")

        if reservation not in self.open:
            with pytest.raises(Conflict):
                go()
            return
        go()
        self.give_back(reservation)

    @rule(reservation=consumes(held))
    def forget(self, reservation):
        """Leave it open for ever, as a worker does that dies."""

    @invariant()
    def accounts_holds_and_alerts_agree(self):
        with tenant_tx(self.project):
            kept = {
                (a.level, a.period, a.key): (
                    [a.reserved_usd, a.reserved_tokens], [a.spent_usd, a.spent_tokens])
                for a in Account.objects.all()
            }  # fmt: skip
            holds = {h.reservation_id: (h.agent_id, (h.usd, h.tokens)) for h in Hold.objects.all()}
            alerts = set(Alert.objects.values_list("level", "period", "key", "threshold"))
        nothing = ([Decimal(0), 0], [Decimal(0), 0])
        for name in {*kept, *self.accounts}:
            account = self.accounts[name]
            assert kept.get(name, nothing) == (account.reserved, account.spent), name
        assert holds == self.open
        assert alerts == self.alerts


class TestArithmetic:
    def test_is_that_of_the_model(self, clean):
        """Never two answers to "how much is left"."""
        run_state_machine_as_test(
            Arithmetic,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=20,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
