"""No run for a period whose money is spent; whatever came before still gets its answer."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from awooop.errors import Code, Exhausted
from awooop.kit.db import tenant_tx
from awooop.ledger import budget, limits
from awooop.ledger.budget import Ask
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Level, Period
from awooop.tenants.models import Project
from channels_hub.models import ConversationEvent
from runs import orders
from runs.intake import Order
from runs.models import IdempotencyKey, Run, Trigger

ALERTS = "/v1/channels/acme/alertmanager"


def notification(group="g"):
    alert = {
        "status": "firing",
        "labels": {"alertname": "Slow"},
        "startsAt": "2026-05-04T10:00:00Z",
    }
    return {
        "version": "4", "groupKey": group, "status": "firing", "receiver": "awooop",
        "alerts": [alert],
    }  # fmt: skip


def order(tenant, event="e-1", **changes):
    asked = {
        "project_id": tenant.project_id, "agent_id": tenant.agent_id, "is_shadow": True,
        "trigger_type": Trigger.API, "input": {}, "channel_type": "api",
        "provider_event_id": event,
    }  # fmt: skip
    return Order(**{**asked, **changes})


def limit(scope, period, usd="1", agent=""):
    with tenant_tx("acme"):
        place = Place(scope=scope, period=period, agent_id=agent)
        limits.put("acme", place, Limit(Decimal(usd)), actor="ann", at=timezone.now())


def spend(tenant, usd="1", agent=None):
    ask = Ask(project_id="acme", agent_id=agent or tenant.agent_id, usd=Decimal(0), tokens=0,
              purpose="x", actor="test")  # fmt: skip
    with tenant_tx("acme"):
        held = budget.reserve(ask)
        budget.settle(
            held.reservation_id, project_id="acme", usd=Decimal(usd), tokens=0, actor="test"
        )


def seconds_to_midnight(zone):
    now = datetime.now(ZoneInfo(zone))
    tomorrow = (now + timedelta(days=1)).date()
    return datetime(*tomorrow.timetuple()[:3], tzinfo=ZoneInfo(zone)).timestamp() - now.timestamp()


class TestPlace:
    @pytest.mark.parametrize(
        ("scope", "period"),
        [(s, p) for s in (Level.PROJECT, Level.AGENT) for p in (Period.DAY, Period.MONTH)],
    )
    def test_is_refused_when_a_limit_of_the_present_period_is_spent(self, tenant, scope, period):
        limit(scope, period)
        orders.place(order(tenant, "before"))
        spend(tenant)

        with pytest.raises(Exhausted) as refusal:
            orders.place(order(tenant))

        assert refusal.value.code is Code.BUDGET_SPENT
        assert refusal.value.facts["level"] == scope
        assert refusal.value.facts["period"] == period
        with tenant_tx("acme"):
            assert Run.objects.count() == IdempotencyKey.objects.count() == 1

    def test_is_refused_without_an_event_id_too(self, tenant):
        limit(Level.PROJECT, Period.DAY, "0")
        with pytest.raises(Exhausted):
            orders.place(order(tenant, None))
        with tenant_tx("acme"):
            assert not Run.objects.exists()

    def test_is_refused_by_the_projects_own_limit(self, tenant):
        with tenant_tx("acme"):
            Project.objects.update(budget_limit_usd=Decimal(1))
        spend(tenant)
        with pytest.raises(Exhausted):
            orders.place(order(tenant))

    @pytest.mark.parametrize("valkey", ["up", "down"])
    def test_still_answers_a_duplicate_with_its_run(self, tenant, settings, valkey):
        if valkey == "down":
            settings.REDIS_URL = "redis://127.0.0.1:1/0"
        limit(Level.PROJECT, Period.DAY)
        first = orders.place(order(tenant))
        spend(tenant)

        second = orders.place(order(tenant))

        assert (second.run_id, second.is_duplicate) == (first.run_id, True)
        with pytest.raises(Exhausted):
            orders.place(order(tenant, "e-2"))

    def test_goes_on_when_only_a_neighbour_or_another_agent_has_spent(self, new_tenant):
        tenant, other = new_tenant("acme"), new_tenant("other")
        limit(Level.AGENT, Period.DAY)
        spend(tenant, agent="somebody-else")
        orders.place(order(tenant))
        spend(tenant)
        orders.place(order(other))

    def test_takes_an_event_that_was_refused_when_there_is_money_again(self, tenant):
        limit(Level.PROJECT, Period.DAY, "0")
        with pytest.raises(Exhausted):
            orders.place(order(tenant))
        limit(Level.PROJECT, Period.DAY, "1")

        assert not orders.place(order(tenant)).is_duplicate

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Taipei", "America/New_York"])
    def test_says_how_long_to_wait_until_midnight_in_the_projects_zone(self, tenant, zone):
        with tenant_tx("acme"):
            Project.objects.update(time_zone=zone)
        limit(Level.PROJECT, Period.DAY, "0")
        with pytest.raises(Exhausted) as refusal:
            orders.place(order(tenant))

        wait = refusal.value.facts["retry_after"]
        assert abs(wait - seconds_to_midnight(zone)) < 5

    def test_says_the_longer_wait_when_day_and_month_are_both_spent(self, tenant):
        limit(Level.PROJECT, Period.DAY, "0")
        limit(Level.PROJECT, Period.MONTH, "0")
        with pytest.raises(Exhausted) as refusal:
            orders.place(order(tenant))

        now = datetime.now(ZoneInfo("UTC"))
        first = (now.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(day=1)
        assert abs(refusal.value.facts["retry_after"] - (first - now).total_seconds()) < 5


class TestDoors:
    def test_of_runs_answers_429_and_when_to_come_back(self, tenant):
        limit(Level.AGENT, Period.DAY, "0", agent=tenant.agent_id)
        answer = tenant.post("/v1/platform/runs", {"agent_id": tenant.agent_id, "input": {}})

        assert (answer.status_code, answer.json()["code"]) == (429, "E-BUDGET-001")
        assert answer.json()["level"] == "agent"
        assert 0 < int(answer.headers["Retry-After"]) <= 86_400

    def test_of_channels_mirror_what_they_refuse(self, tenant):
        known = tenant.post(ALERTS, notification("known"))
        limit(Level.PROJECT, Period.DAY, "0")
        refused = tenant.post(ALERTS, notification("new"))
        again = tenant.post(ALERTS, notification("known"))

        assert [a.status_code for a in (known, refused, again)] == [201, 429, 200]
        assert refused.json()["code"] == "E-BUDGET-001"
        with tenant_tx("acme"):
            events = ConversationEvent.objects.order_by("event_id")
            told = list(events.values_list("run_id", "is_duplicate"))
            assert Run.objects.count() == 1
        assert [(run is None, duplicate) for run, duplicate in told] == [
            (False, False), (True, False), (False, True),
        ]  # fmt: skip
