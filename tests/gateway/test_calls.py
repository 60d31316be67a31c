"""The one verb, against a real upstream: who gets through, what leaves, what is recorded."""

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from awooop.errors import Code, Unavailable
from awooop.kit.db import tenant_tx
from awooop.tenants.modes import Mode
from gateway import calls, effects, endings, facts, switches
from gateway.models import Level, Outcome, Status
from gateway.shapes import Call, Result
from tests.audit.test_fail_closed import unwritable
from tests.gateway.governed import Governed
from tests.gateway.upstreams.good import Upstream


class TestCallTool:
    def test_answers_and_leaves_one_row(self, shop: Governed, upstream: Upstream) -> None:
        result = calls.call_tool(shop.call("echo", {"pod": "web-1"}))
        assert (result.status, result.code) == (Status.SUCCESS, None)
        assert "web-1" in str(result.content)
        (row,) = shop.rows()
        assert row["call_id"] == str(result.call_id)
        assert row["tool_name"] == "echo__shop"
        assert row["result_status"] == "success"
        assert row["result_sha256"] == result.sha256
        assert len(upstream.calls) == 1

    @pytest.mark.parametrize(
        ("changed", "gate", "code"),
        [
            ({"home_id": "other"}, 1, Code.GATE_TENANT),
            ({"agent_id": "nobody"}, 2, Code.GATE_AGENT),
            ({"tool": "echo__other"}, 3, Code.GATE_TOOL),
            ({"tool": "write"}, 3, Code.GATE_TOOL),
            ({"arguments": {"n": 2**60}}, 3, Code.GATE_ARGUMENTS),
            ({"tool": "write__shop", "ticket": "a.b.c"}, 5, Code.GATE_APPROVAL),
        ],
    )
    def test_a_refusal_is_recorded_and_never_sent(
        self, shop: Governed, upstream: Upstream, changed: Any, gate: int, code: Code
    ) -> None:
        result = calls.call_tool(replace(shop.call("echo"), **changed))
        assert (result.status, result.gate, result.code) == (Status.BLOCKED, gate, code)
        (row,) = shop.rows()
        assert (row["block_gate"], row["error_code"]) == (gate, code.value)
        assert upstream.calls == []

    def test_a_refusal_reads_as_sentences(self, shop: Governed) -> None:
        for asked, part in (
            (replace(shop.call("echo"), agent_id="nobody"), ". The agent has no active"),
            (replace(shop.call("echo"), arguments={"n": 2**60}), ". The arguments "),
        ):
            (block,) = calls.call_tool(asked).content
            assert part in block["text"]
            assert ".." not in block["text"]
            assert block["text"].endswith(".")

    def test_repeats_arguments_in_the_headers_that_a_tool_wants(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        region = {"type": "string", "x-mcp-header": "Region"}
        upstream.tool("mirrored", schema={"type": "object", "properties": {"region": region}})
        shop.offer("mirrored", upstream.tools["mirrored"].definition)
        shop.sign()
        calls.call_tool(shop.call("mirrored", {"region": "eu-1"}))
        (seen,) = upstream.called("mirrored")
        assert seen.headers["mcp-param-region"] == "eu-1"

    def test_shadow_sends_reads_and_stops_the_rest(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        shop.go(Mode.SHADOW)
        assert calls.call_tool(shop.call("echo")).status is Status.SUCCESS
        stopped = calls.call_tool(shop.call("write"))
        assert stopped.code is Code.GATE_SHADOW
        assert [seen.tool for seen in upstream.calls] == ["echo"]
        assert [row["is_shadow"] for row in shop.rows()] == [True, True]

    def test_shadow_simulates_reads_where_the_policy_says_so(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        shop.sign({"shadow": {"reads": "simulate"}})
        shop.go(Mode.SHADOW)
        result = calls.call_tool(shop.call("echo"))
        assert result.status is Status.SIMULATED
        assert not result.is_error
        assert upstream.calls == []

    def test_a_tool_that_fails_is_an_error_and_was_executed(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        result = calls.call_tool(shop.call("fail"))
        assert result.status is Status.ERROR
        assert result.is_error
        assert "no such pod" in str(result.content)

    def test_ends_at_its_deadline(self, shop: Governed, upstream: Upstream) -> None:
        shop.sign(timeout_seconds=1)
        result = calls.call_tool(shop.call("slow", {"seconds": 30}))
        assert (result.status, result.code) == (Status.ERROR, Code.UPSTREAM_LATE)
        assert result.latency_ms < 3_000

    def test_withholds_an_answer_that_cannot_be_recorded(self, shop: Governed) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("REVOKE INSERT ON awooop_mcp_gateway_audit FROM awooop_app")
        try:
            with pytest.raises(Unavailable) as refused:
                calls.call_tool(shop.call("echo"))
        finally:
            with connections["owner"].cursor() as cursor:
                cursor.execute("GRANT INSERT ON awooop_mcp_gateway_audit TO awooop_app")
        assert refused.value.code is Code.AUDIT_UNWRITABLE

    def test_sends_nothing_while_evidence_cannot_be_written(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        with unwritable():
            for tool in ("echo", "write"):
                with pytest.raises(Unavailable):
                    calls.call_tool(shop.call(tool))
        assert upstream.calls == []
        assert shop.rows("awooop_tool_effect") == []

    def test_asks_more_often_than_the_rate_allows(self, shop: Governed, upstream: Upstream) -> None:
        shop.sign({"rate_limits": {"per_agent_per_minute": 100, "per_tool_per_minute": 3}})
        ends = [calls.call_tool(shop.call("echo")) for _ in range(5)]
        assert [end.code for end in ends].count(Code.GATE_RATE) >= 1  # a minute may turn
        assert all(end.retry_after for end in ends if end.code is Code.GATE_RATE)

    def test_money_is_set_aside_and_settled(self, shop: Governed, upstream: Upstream) -> None:
        shop.offer("echo", upstream.tools["echo"].definition, usd_per_call="0.25")
        shop.sign()
        calls.call_tool(shop.call("echo"))
        kinds = {row["kind"]: row["usd"] for row in shop.rows("awooop_budget_ledger")}
        assert set(kinds) == {"reserve", "settle"}
        assert float(kinds["settle"]) == 0.25


class TestEffects:
    def test_what_writes_is_claimed_and_ends_known(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        result = calls.call_tool(shop.call("write", {"n": 1}))
        assert result.status is Status.SUCCESS
        (effect,) = shop.rows("awooop_tool_effect")
        assert effect["effect_id"] == str(result.call_id)
        assert effect["outcome"] == "executed"
        acts = [row["act"] for row in shop.rows("awooop_audit_event")]
        assert {"call.sent", "effect.ended"} <= set(acts)

    def test_a_key_has_one_effect(self, shop: Governed, upstream: Upstream) -> None:
        calls.call_tool(shop.call("write", key="once"))
        again = calls.call_tool(shop.call("write", {"other": True}, key="once"))
        assert again.code is Code.EFFECT_DONE
        assert len(upstream.calls) == 1

    def test_an_unknown_outcome_is_never_repeated_blindly(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        upstream.tool("write", upstream.tools["slow"].answer)
        shop.sign(timeout_seconds=1)
        lost = calls.call_tool(shop.call("write", {"seconds": 2}))
        assert (lost.status, lost.code) == (Status.UNKNOWN, Code.UPSTREAM_LATE)
        again = calls.call_tool(shop.call("write", {"seconds": 2}))
        assert again.code is Code.EFFECT_OPEN
        assert len(upstream.called("write")) == 1
        with tenant_tx("shop"):
            effects.resolve(
                "shop",
                lost.call_id,
                Outcome.ERROR,
                note="looked at the shelf",
                actor="operator:ann",
                at=timezone.now(),
            )
        calls.call_tool(shop.call("write", {"seconds": 2}))
        assert len(upstream.called("write")) == 2

    def test_what_cannot_be_reached_was_not_executed(self, shop: Governed) -> None:
        shop.sign(transport={"kind": "streamable_http", "url": "http://127.0.0.1:9/mcp"})
        result = calls.call_tool(shop.call("write"))
        assert result.code is Code.UPSTREAM_AWAY
        assert [row["outcome"] for row in shop.rows("awooop_tool_effect")] in ([], ["error"])

    def test_a_run_that_is_not_held_claims_nothing(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        call = shop.call("write", run_id=uuid4(), epoch=1, is_shadow=False)
        assert calls.call_tool(call).code is Code.RUN_LEASE_LOST
        assert upstream.calls == []

    def test_the_database_knows_the_same_edges(self, shop: Governed) -> None:
        from gateway.migrations import __name__ as package

        module = __import__(f"{package}.0002_walls", fromlist=["EDGES"])
        ours = sorted(f"'{was}>{now}'" for was, nows in effects.EDGES.items() for now in nows)
        assert sorted(part.strip() for part in module.EDGES.split(",")) == ours


class TestKillSwitch:
    @pytest.mark.parametrize(
        ("level", "key"),
        [(Level.PROJECT, ""), (Level.AGENT, "sre-agent"), (Level.TOOL, "write__shop")],
    )
    def test_stops_and_lets_go(
        self, shop: Governed, upstream: Upstream, level: Level, key: str
    ) -> None:
        switch = switches.throw(
            level, project_id="shop", key=key, reason="fire", actor="op", at=timezone.now()
        )
        assert calls.call_tool(shop.call("write")).code is Code.KILLED
        assert upstream.calls == []
        switches.lift(switch, project_id="shop", actor="op", at=timezone.now())
        assert calls.call_tool(shop.call("write")).status is Status.SUCCESS


def _success(call: Call) -> Result:
    return Result(call_id=call.call_id, status=Status.SUCCESS)


class TestAcallTool:
    def test_does_the_same_from_an_event_loop(self, shop: Governed) -> None:
        result = asyncio.run(calls.acall_tool(partial(shop.call, "echo", {"a": 1})))
        assert result.status is Status.SUCCESS

    def test_calls_that_end_together_are_written_together(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        async def together() -> list[Result]:
            asked = [partial(shop.call, "echo", {"number": number}) for number in range(24)]
            return await asyncio.gather(*map(calls.acall_tool, asked))

        ends = asyncio.run(together())
        assert {end.status for end in ends} == {Status.SUCCESS}
        with tenant_tx("shop"), connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(DISTINCT xmin::text) FROM awooop_mcp_gateway_audit"
            )
            rows, transactions = cursor.fetchone()
        assert rows == 24
        assert transactions < 24

    def test_whoever_cannot_be_recorded_takes_nobody_with_it(self, shop: Governed) -> None:
        begun = time.perf_counter()
        fits, unfit = shop.call("echo"), replace(shop.call("echo"), trace_id="\0")
        told = [
            endings.untold(call, facts.gather(call), _success(call), begun)
            for call in (fits, unfit, shop.call("echo"))
        ]
        reasons = endings.write(told)
        assert [reason and reason.code for reason in reasons] == [
            None,
            Code.AUDIT_UNWRITABLE,
            None,
        ]
        assert len(shop.rows()) == 2

    def test_a_read_is_cancelled_with_its_caller_and_says_so(
        self, shop: Governed, upstream: Upstream
    ) -> None:
        async def leave() -> None:
            task = asyncio.create_task(
                calls.acall_tool(partial(shop.call, "slow", {"seconds": 30}))
            )
            while not upstream.calls:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await shop.first_row()

        asyncio.run(asyncio.wait_for(leave(), 10))
        assert [row["error_code"] for row in shop.rows()] == [Code.CALLER_GONE.value]

    def test_an_effect_outlives_its_caller(self, shop: Governed, upstream: Upstream) -> None:
        async def late(arguments: Any) -> str:
            await asyncio.sleep(0.3)
            return "done"

        upstream.tool("write", late)

        async def leave() -> None:
            task = asyncio.create_task(calls.acall_tool(partial(shop.call, "write")))
            while not upstream.calls:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await shop.first_row()

        asyncio.run(asyncio.wait_for(leave(), 10))
        assert [row["outcome"] for row in shop.rows("awooop_tool_effect")] == ["executed"]
