"""A shop whose writes need a human, and humans to decide about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from approvals import decisions
from approvals.decisions import Decided, Decision
from approvals.models import Approval
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Role
from gateway import calls
from gateway.shapes import Result
from runs import worker
from tests.gateway import governed
from tests.gateway.conftest import _served, shop, upstream  # noqa: F401 - fixtures

PEOPLE = ("ann", "bob", "eve")
ASKING = {"approval": {}, "quorum": {"activation": 1, "medium": 1, "high": 2}}


@dataclass
class Office:
    """A project whose policy asks humans, three of them, and what they may be asked."""

    shop: governed.Governed

    def ask(self, **arguments: Any) -> Result:
        """Call the tool that writes, without a run; a human is asked."""
        return calls.call_tool(self.shop.call("write", arguments))

    def decide(
        self, identity: UUID, by: str, decision: Decision = Decision.APPROVE, reason: str = "seen"
    ) -> Decided:
        with tenant_tx("shop"):
            return decisions.decide(
                "shop",
                identity,
                decision,
                approver=f"operator:{by}",
                reason=reason,
                at=timezone.now(),
            )

    def approval(self, approval_id: UUID) -> Approval:
        with tenant_tx("shop"):
            return Approval.objects.get(project_id="shop", approval_id=approval_id)

    def work(self) -> None:
        """Let a worker take up whatever may go on."""
        worker.reap()
        worker.drain(worker="w")

    def run(self, run_id: UUID) -> dict[str, Any]:
        rows = self.shop.rows("awooop_run_state")
        return next(row for row in rows if row["run_id"] == str(run_id))


@pytest.fixture
def office(shop: governed.Governed) -> Iterator[Office]:
    with global_tx():
        for name in PEOPLE:
            Operator.objects.create_user(name)
    with tenant_tx("shop"):
        for name in PEOPLE:
            members.admit("shop", name, Role.APPROVER, actor="t", at=timezone.now())
    shop.sign(ASKING)
    return Office(shop)
