"""People at the console, and money that a project has spent."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from awooop.kit.db import global_tx, tenant_tx
from awooop.ledger import budget, limits
from awooop.ledger.budget import Ask
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Level, Period
from awooop.tenants.models import Member, Operator, Role


@dataclass(frozen=True)
class Money:
    """What a project's calls cost, and its limits, each in a transaction of its own."""

    project_id: str

    def reserve(self, usd="1", tokens=0, agent="sre"):
        ask = Ask(
            project_id=self.project_id, agent_id=agent, usd=Decimal(usd), tokens=tokens,
            purpose="model:test", actor="test",
        )  # fmt: skip
        with tenant_tx(self.project_id):
            return budget.reserve(ask)

    def spend(self, usd="1", tokens=0, agent="sre"):
        made = self.reserve(usd, tokens, agent)
        with tenant_tx(self.project_id):
            budget.settle(
                made.reservation_id, project_id=self.project_id, usd=Decimal(usd),
                tokens=tokens, actor="test",
            )  # fmt: skip

    def limit(self, scope=Level.PROJECT, period=Period.MONTH, usd="10", tokens=None, agent=""):
        limit = Limit(usd and Decimal(usd), tokens)
        place = Place(scope=scope, period=period, agent_id=agent)
        with tenant_tx(self.project_id):
            limits.put(self.project_id, place, limit, actor="test", at=timezone.now())

    def standing(self, scope=Level.PROJECT, period=Period.MONTH, agent=""):
        with tenant_tx(self.project_id):
            place = Place(scope=scope, period=period, agent_id=agent)
            return limits.standing(self.project_id, place)

    def evidence(self):
        """Return act, actor and facts of each change of a limit."""
        with tenant_tx(self.project_id), connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT target, actor, facts::text FROM awooop_audit_event"
                " WHERE act = 'budget.set' ORDER BY seq"
            )
            return cursor.fetchall()


@pytest.fixture
def money():
    return Money


@pytest.fixture
def person(clean):
    """A maker of accounts, platform-wide or members of projects."""

    def make(name="ann", platform_role="", member_of=(), role=Role.VIEWER, **fields):
        with global_tx():
            made = Operator.objects.create_user(name, platform_role=platform_role, **fields)
        for project_id in member_of:
            with tenant_tx(project_id):
                Member.objects.create(
                    project_id=project_id, operator=made, role=role, created_at=timezone.now()
                )
        return made

    return make


@pytest.fixture
def signed_in(person):
    """A maker of browsers in which a new account is signed in."""

    def make(**options):
        checks = options.pop("enforce_csrf_checks", False)
        client = Client(enforce_csrf_checks=checks, raise_request_exception=False)
        client.force_login(person(**options), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
