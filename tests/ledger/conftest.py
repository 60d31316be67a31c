"""A purse: one project's money, as tests handle it."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.utils import timezone

from awooop.kit.db import tenant_tx
from awooop.ledger import budget, limits
from awooop.ledger.budget import Ask
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Account, Alert, Entry, Hold, Kind, Level, Period
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode

LEDGER = ("awooop_budget_account", "awooop_budget_hold", "awooop_budget_ledger")


@dataclass(frozen=True)
class Purse:
    """Verbs in transactions of their own, and a look at what they left."""

    project_id: str

    def ask(self, usd="1", tokens=0, agent="sre", run=None, epoch=None):
        return Ask(
            project_id=self.project_id, agent_id=agent, usd=Decimal(usd), tokens=tokens,
            purpose="model:test", actor="test", run_id=run, epoch=epoch,
        )  # fmt: skip

    def reserve(self, usd="1", tokens=0, **changes):
        with tenant_tx(self.project_id):
            return budget.reserve(self.ask(usd, tokens, **changes))

    def settle(self, answer, usd="1", tokens=0):
        with tenant_tx(self.project_id):
            return budget.settle(
                answer.reservation_id, project_id=self.project_id, usd=Decimal(usd),
                tokens=tokens, actor="test",
            )  # fmt: skip

    def release(self, answer):
        with tenant_tx(self.project_id):
            return budget.release(answer.reservation_id, project_id=self.project_id, actor="test")

    def spend(self, usd="1", tokens=0, **changes):
        return self.settle(self.reserve(usd, tokens, **changes), usd, tokens)

    def limit(self, scope, period, usd=None, tokens=None, agent=""):
        with tenant_tx(self.project_id):
            return limits.put(
                self.project_id,
                Place(scope=scope, period=period, agent_id=agent),
                Limit(None if usd is None else Decimal(usd), tokens),
                actor="test",
                at=timezone.now(),
            )

    def account(self, level=Level.PROJECT, period=Period.DAY, key=""):
        """Return reserved and spent USD of the newest such account."""
        with tenant_tx(self.project_id):
            found = Account.objects.filter(level=level, period=period, key=key)
            newest = found.order_by("-starts_on").first()
        return (newest.reserved_usd, newest.spent_usd) if newest else None

    def accounts(self):
        with tenant_tx(self.project_id):
            return list(Account.objects.order_by("level", "period", "starts_on", "key"))

    def holds(self):
        with tenant_tx(self.project_id):
            return list(Hold.objects.all())

    def kinds(self):
        with tenant_tx(self.project_id):
            return [Kind(e.kind) for e in Entry.objects.order_by("entry_id")]

    def alerts(self):
        with tenant_tx(self.project_id):
            rows = Alert.objects.order_by("level", "period", "threshold")
            return list(rows.values_list("level", "period", "threshold"))

    def live_in(self, zone):
        with tenant_tx(self.project_id):
            Project.objects.update(time_zone=zone)

    def today(self) -> date:
        with tenant_tx(self.project_id):
            zone = Project.objects.get().time_zone
        return timezone.now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def unguarded(*tables):
    """A cursor of the owner, for whom alone the guards can be put to sleep."""
    with connections["owner"].cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        try:
            yield cursor
        finally:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def a_month_passes():
    """All that was counted so far was counted a month ago."""

    def pass_() -> None:
        with unguarded("awooop_budget_account", "awooop_budget_ledger") as cursor:
            cursor.execute(
                "UPDATE awooop_budget_account SET starts_on = starts_on - interval '1 month'"
                " WHERE period <> 'total'"
            )
            cursor.execute(
                "UPDATE awooop_budget_ledger SET day = day - interval '1 month',"
                " month = month - interval '1 month'"
            )

    return pass_


@pytest.fixture
def new_purse(clean):
    """A maker of projects that have money and nothing else."""

    def make(project_id="acme"):
        with tenant_tx(project_id):
            Project.objects.create(
                project_id=project_id, display_name=project_id, migration_mode=Mode.SHADOW,
                created_at=timezone.now(),
            )  # fmt: skip
        return Purse(project_id)

    return make


@pytest.fixture
def purse(new_purse):
    return new_purse()
