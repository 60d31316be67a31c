"""A run calls a tool through the gateway: journalled before and after, under its lease alone."""

import pytest

from awooop.errors import Code, Conflict
from awooop.kit.db import pipe
from awooop.tenants.modes import Mode
from gateway.models import Status
from runs import intake, leases, shadow, tools
from runs.intake import Order
from runs.leases import Lease
from runs.models import Trigger
from tests.gateway.conftest import _served, shop, upstream  # noqa: F401 - fixtures
from tests.gateway.governed import Governed
from tests.gateway.upstreams.good import Upstream


def _lease(shop: Governed, *, is_shadow: bool = False) -> Lease:
    order = Order(
        project_id="shop",
        agent_id=shop.agent_id,
        trigger_type=Trigger.API,
        input={},
        is_shadow=is_shadow,
    )
    with pipe() as p, p.tenant_tx("shop"):
        intake.create(p, intake.prepare(order))
    (lease,) = leases.claim(worker="w", batch=1)
    return lease


def _steps(shop: Governed) -> list[tuple[str, str, str | None]]:
    rows = shop.rows("awooop_run_step_journal")
    rows.sort(key=lambda row: row["step_seq"])
    return [(row["tool_name"], row["result_status"], row["block_reason"]) for row in rows]


class TestCall:
    def test_journals_what_really_ran(self, shop: Governed, upstream: Upstream) -> None:
        lease = _lease(shop)
        assert tools.call(lease, "echo__shop", {}, key="1").status is Status.SUCCESS
        assert _steps(shop) == [("echo__shop", "success", None)]
        assert [row["run_id"] for row in shop.rows()] == [str(lease.run_id)]

    def test_a_shadow_run_stays_one_when_its_project_is_promoted(
        self,
        shop: Governed,
        upstream: Upstream,
    ) -> None:
        lease = _lease(shop, is_shadow=True)
        result = tools.call(lease, "write__shop", {}, key="1")
        assert result.code is Code.GATE_SHADOW
        assert _steps(shop) == [("write__shop", "blocked", shadow.BLOCKED)]
        assert upstream.calls == []

    def test_a_live_run_is_stopped_when_its_project_is_demoted(
        self,
        shop: Governed,
        upstream: Upstream,
    ) -> None:
        lease = _lease(shop)
        shop.go(Mode.SHADOW)
        assert tools.call(lease, "write__shop", {}, key="1").code is Code.GATE_SHADOW

    def test_another_attempt_does_not_do_again_what_was_done(
        self,
        shop: Governed,
        upstream: Upstream,
    ) -> None:
        lease = _lease(shop)
        tools.call(lease, "write__shop", {}, key="1")
        again = tools.call(lease, "write__shop", {}, key="1")
        assert again.code is Code.EFFECT_DONE
        assert len(upstream.calls) == 1

    def test_does_nothing_under_a_lease_that_was_lost(
        self,
        shop: Governed,
        upstream: Upstream,
    ) -> None:
        lease = _lease(shop)
        stale = Lease(**{**_fields(lease), "epoch": lease.epoch - 1})
        with pytest.raises(Conflict):
            tools.call(stale, "write__shop", {}, key="1")
        assert upstream.calls == []
        assert _steps(shop) == []


def _fields(lease: Lease) -> dict[str, object]:
    return {name: getattr(lease, name) for name in Lease.__slots__}
