"""Two people say yes on their phones to what a third asked for, and it happens once."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Role
from gateway import calls
from runs import worker
from tests.approvals.conftest import ASKING
from tests.console.test_browser import PASSWORD, browser_page, judge, site  # noqa: F401 - fixtures
from tests.gateway.conftest import _served, shop, upstream  # noqa: F401 - fixtures

RISKY = {"rules": [{"name": "risky", "decision": "needs_approval", "risk": "high"}]}
PHONE = 390

pytestmark = pytest.mark.skipif(
    os.environ.get("AWOOOP_NO_BROWSER") == "1", reason="AWOOOP_NO_BROWSER=1"
)


@pytest.fixture
def people(shop):
    """Two approvers, and what ann has asked for."""
    with global_tx():
        for name in ("bob", "eve"):
            Operator.objects.create_user(name, password=PASSWORD)
    with tenant_tx("shop"):
        for name in ("bob", "eve"):
            members.admit("shop", name, Role.APPROVER, actor="t", at=timezone.now())
    shop.sign({**ASKING, "approval": RISKY})
    calls.call_tool(replace(shop.call("write", {"path": "/srv/web"}), actor="operator:ann"))


class TestQuorumOfTwo:
    def test_is_reached_by_two_others_than_the_requester(
        self,
        people,
        browser_page,
        upstream,
    ):
        ann = browser_page(PHONE)
        ann.goto("/admin/approvals/")
        judge(ann)
        expect(ann.get_by_text("You asked for this yourself")).to_be_visible()
        assert ann.get_by_role("link", name="Approve").count() == 0

        bob = browser_page(PHONE, who="bob", color_scheme="dark")
        bob.get_by_role("button", name="Menu").click()
        bob.get_by_role("link", name="Approvals 1 waiting").click()
        bob.wait_for_url("**/admin/approvals/")
        judge(bob)
        assert bob.locator("[data-until]").inner_text().count(":") == 2
        bob.get_by_role("link", name="Approve", exact=True).focus()
        bob.keyboard.press("Enter")
        bob.get_by_text('"path": "/srv/web"').wait_for()
        judge(bob)
        bob.get_by_label("Reason").fill("looked at it")
        bob.keyboard.press("Enter")
        bob.get_by_text("Your yes is counted: 1 of 2.").wait_for()
        judge(bob)
        work()
        assert upstream.calls == []

        eve = browser_page(PHONE, who="eve", locale="zh-TW", java_script_enabled=False)
        eve.goto("/admin/approvals/")
        expect(eve.get_by_text("1／2")).to_be_visible()
        eve.get_by_role("link", name="核准", exact=True).click()
        eve.get_by_label("原因").fill("looked at it too")
        eve.get_by_role("button", name="是，核准以上動作").click()
        eve.get_by_text("已核准：現在呼叫一次。").wait_for()
        work()
        assert [seen.arguments for seen in upstream.calls] == [{"path": "/srv/web"}]

        bob.reload()
        expect(bob.get_by_text("Approved and executed")).to_be_visible()
        expect(bob.get_by_text("looked at it too").first).to_be_visible()
        judge(bob)


def work():
    """Let a worker take up whatever may go on; not on the browser's thread, which has a loop."""

    def drain():
        try:
            worker.reap()
            worker.drain(worker="w")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(drain).result()
