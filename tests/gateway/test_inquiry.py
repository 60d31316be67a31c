"""Probes: what became of an effect nobody heard of, asked from the world by a tool that reads."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from awooop.errors import Code, Conflict, NotFound
from gateway import calls, effects, inquiry
from gateway.models import Status
from tests.gateway.governed import Governed
from tests.gateway.upstreams.good import Upstream

PROBE = {
    "tool_name": "order_state",
    "arguments": {"order": "/order"},
    "executed_when": [{"path": "/state", "required": True, "one_of": ["paid"]}],
}


def _lost(shop: Governed, upstream: Upstream, probe: dict[str, Any] = PROBE) -> Any:
    """Send a write whose answer comes too late, with a probe that knows of it."""
    upstream.tool("write", upstream.tools["slow"].answer)
    upstream.tool("order_state", {"structuredContent": {"state": "paid"}, "content": []})
    written = upstream.tools["write"].definition
    shop.offer("write", written, is_destructive=True, scope="write", probe=probe)
    shop.offer("order_state", upstream.tools["order_state"].definition)
    shop.sign(timeout_seconds=1)
    result = calls.call_tool(shop.call("write", {"order": 7, "seconds": 2}))
    assert result.status is Status.UNKNOWN
    return result


def _later() -> None:
    """Let the call's own time be over."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE awooop_tool_effect DISABLE TRIGGER effect_guard")
        cursor.execute("ALTER TABLE awooop_tool_effect NO FORCE ROW LEVEL SECURITY")
        cursor.execute("UPDATE awooop_tool_effect SET expires_at = now() - interval '1 second'")
        cursor.execute("ALTER TABLE awooop_tool_effect FORCE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE awooop_tool_effect ENABLE TRIGGER effect_guard")


def _ask_all_and_leave() -> int:
    try:
        return inquiry.ask_all()
    finally:
        connections.close_all()


def _ask(call_id: Any) -> str:
    return inquiry.ask("shop", call_id, actor="operator:ann", at=timezone.now()).value


class TestAsk:
    def test_learns_that_it_took_effect(self, shop: Governed, upstream: Upstream) -> None:
        lost = _lost(shop, upstream)
        _later()
        assert _ask(lost.call_id) == "executed"
        (seen,) = upstream.called("order_state")
        assert dict(seen.arguments) == {"order": 7}
        effect = shop.rows("awooop_tool_effect")[0]
        assert (effect["outcome"], effect["resolved_by"]) == ("executed", "operator:ann")
        with pytest.raises(NotFound):
            _ask(lost.call_id)

    def test_learns_that_it_did_not(self, shop: Governed, upstream: Upstream) -> None:
        lost = _lost(shop, upstream)
        upstream.tools["order_state"].answer = {"structuredContent": {"state": "open"}}
        _later()
        assert _ask(lost.call_id) == "error"
        assert len(upstream.called("write")) == 1

    def test_learns_nothing_from_a_probe_that_fails(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        lost = _lost(shop, upstream)
        upstream.tools["order_state"].answer = {"isError": True, "content": []}
        _later()
        with pytest.raises(Conflict) as untold:
            _ask(lost.call_id)
        assert untold.value.code is Code.EFFECT_OPEN
        assert shop.rows("awooop_tool_effect")[0]["outcome"] == "unknown"

    def test_waits_until_the_call_cannot_be_under_way(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        lost = _lost(shop, upstream)
        with pytest.raises(Conflict):
            _ask(lost.call_id)
        assert upstream.called("order_state") == []

    def test_is_asked_by_the_clock(self, shop: Governed, upstream: Upstream) -> None:
        _lost(shop, upstream)
        assert inquiry.ask_all() == 0
        _later()
        assert inquiry.ask_all() == 1
        assert shop.rows("awooop_tool_effect")[0]["outcome"] == "executed"

    def test_hanging_servers_take_one_thread_of_a_process(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        _lost(shop, upstream)
        upstream.tool("order_state", upstream.tools["slow"].answer)
        _later()
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(_ask_all_and_leave)
            while not upstream.called("order_state") and not first.done():
                time.sleep(0.01)
            assert inquiry.ask_all() == 0
            assert first.result() == 0
        assert len(upstream.called("order_state")) == 1

    def test_a_probe_is_not_planned_when_it_would_keep_a_secret(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        probe = PROBE | {"arguments": {"order": "/password"}}
        upstream.tool("order_state", "ok")
        written = upstream.tools["write"].definition
        shop.offer("write", written, is_destructive=True, scope="write", probe=probe)
        shop.offer("order_state", upstream.tools["order_state"].definition)
        shop.sign()
        calls.call_tool(shop.call("write", {"password": "hunter2-" + "x" * 20}))
        assert shop.rows("awooop_tool_effect")[0]["probe"] is None


class TestReap:
    def test_a_claim_whose_process_was_lost_becomes_unknown_once(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        calls.call_tool(shop.call("write"))
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_tool_effect DISABLE TRIGGER effect_guard")
            cursor.execute("ALTER TABLE awooop_tool_effect NO FORCE ROW LEVEL SECURITY")
            cursor.execute(
                "INSERT INTO awooop_tool_effect SELECT (e).* FROM (SELECT jsonb_populate_record(e,"
                " jsonb_build_object('effect_id', gen_random_uuid(), 'outcome', 'claimed',"
                " 'action_sha256', 'x', 'resolved_by', NULL, 'resolved_at', NULL,"
                " 'expires_at', now() - interval '1 s')) AS e FROM awooop_tool_effect e) t"
            )
            cursor.execute("ALTER TABLE awooop_tool_effect FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE awooop_tool_effect ENABLE TRIGGER effect_guard")
        assert (effects.reap(), effects.reap()) == (1, 0)
        statuses = [row["result_status"] for row in shop.rows()]
        assert statuses == ["success", "unknown"]
