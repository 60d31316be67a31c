"""Callers die and race while a call has an effect: it is sent once, and never told wrongly."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from awooop.audit import sealing
from awooop.errors import Code
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from gateway import calls, effects
from gateway.models import Outcome, Status
from gateway.shapes import Call
from runs import cancelling, leases, orders
from runs.intake import Order
from runs.models import Trigger
from tests.gateway.governed import Governed
from tests.races.conftest import Caller
from tests.races.relay import Relay

Callers = Callable[[int], list[Caller]]
Logged = Callable[[], list[dict[str, Any]]]
ROUNDS, THREADS = 60, 8


def waits_for_a_lock() -> int | None:
    """Return the backend that waits for one, if one does."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT l.granted AND d.datname = current_database()"
            " UNION SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        )
        row = cursor.fetchone()
        return row[0] if row else None


def until(found: Callable[[], Any], within: float = 20.0) -> Any:
    deadline = time.monotonic() + within
    while not (seen := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)
    return seen


def let_expire(project_id: str) -> None:
    """Move the ends of claims into the past, which only their tables' owner can."""
    with connections["owner"].cursor() as cursor:
        for change in (
            "ALTER TABLE awooop_tool_effect DISABLE TRIGGER effect_guard",
            "ALTER TABLE awooop_tool_effect NO FORCE ROW LEVEL SECURITY",
            "UPDATE awooop_tool_effect SET expires_at = clock_timestamp()",
            "ALTER TABLE awooop_tool_effect FORCE ROW LEVEL SECURITY",
            "ALTER TABLE awooop_tool_effect ENABLE TRIGGER effect_guard",
        ):
            cursor.execute(change)


class TestKill:
    """kill -9 of a caller: at most one call, an unknown outcome, nothing repeated."""

    def test_between_sending_and_the_answer(
        self, store: Governed, relay: Relay, logged: Logged, callers: Callers
    ) -> None:
        call = store.call("echo", {"pod": "web-1"}, key="restart-1")
        (caller,) = callers(1)
        caller.warm(store)
        relay.answers.clear()
        caller.ask(calls=[call])
        until(logged)  # it acted; its answer is on the way
        caller.kill()
        relay.answers.set()
        self._stays_unknown(store, logged, call)

    def test_after_the_answer_and_before_the_commit(
        self, store: Governed, relay: Relay, logged: Logged, callers: Callers
    ) -> None:
        call = store.call("echo", {"pod": "web-1"}, key="restart-1")
        (caller,) = callers(1)
        owner = connections["owner"]
        with owner.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE awooop_mcp_gateway_audit IN ACCESS EXCLUSIVE MODE")
        try:
            caller.ask(calls=[call])
            backend = until(waits_for_a_lock)
            caller.kill()
            with connections["default"].cursor() as cursor:  # or it commits what it was sent
                cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
            until(lambda: waits_for_a_lock() is None)
        finally:
            with owner.cursor() as cursor:
                cursor.execute("ROLLBACK")
        self._stays_unknown(store, logged, call)

    @staticmethod
    def _stays_unknown(store: Governed, logged: Logged, call: Call) -> None:
        assert len(logged()) == 1
        let_expire(store.project_id)
        assert effects.reap() == 1
        (effect,) = store.rows("awooop_tool_effect")
        row = store.rows()[-1]
        assert (effect["outcome"], row["result_status"]) == (Outcome.UNKNOWN, Status.UNKNOWN)
        assert row["call_id"] == effect["effect_id"]
        acts = [each["act"] for each in store.rows("awooop_audit_event")]
        assert (acts.count("call.sent"), acts.count("effect.ended")) == (1, 1)
        assert sealing.verify(store.project_id).fault is None

        def again(arguments: Any, **changed: Any) -> Any:
            return calls.call_tool(store.call("echo", arguments, **changed))

        other = {"pod": "web-2"}
        assert again(call.arguments).code is Code.EFFECT_OPEN
        assert again(other, key=call.key).code is Code.EFFECT_OPEN
        assert len(logged()) == 1
        with tenant_tx(store.project_id):
            effects.resolve(
                store.project_id,
                UUID(effect["effect_id"]),
                Outcome.ERROR,
                note="it was not restarted",
                actor="operator:ann",
                at=timezone.now(),
            )
        assert again(other, key=call.key).code is Code.EFFECT_DONE
        assert again(call.arguments).status is Status.SUCCESS
        assert len(logged()) == 2


class TestRace:
    """Eight threads in each of two processes want the same."""

    def test_one_key_has_one_effect(
        self, store: Governed, logged: Logged, callers: Callers
    ) -> None:
        pair = callers(2)
        for number, caller in enumerate(pair):
            wanted = [
                store.call("echo", {"n": f"{number}.{n}"}, key="only") for n in range(THREADS)
            ]
            caller.ask(threads=THREADS, calls=wanted)
        told = [caller.answer() for caller in pair]
        assert len(logged()) == 1
        assert sum(each.get("success", 0) for each in told) == 1
        refused = {Code.EFFECT_OPEN.value, Code.EFFECT_DONE.value}
        assert {name for each in told for name in each} <= {"success", *refused}

    def test_one_action_is_under_way_once(
        self, store: Governed, relay: Relay, logged: Logged, callers: Callers
    ) -> None:
        pair = callers(2)
        for caller in pair:
            caller.warm(store)
        relay.answers.clear()
        for caller in pair:
            caller.ask(threads=THREADS, calls=[store.call("echo", {"n": 1})] * THREADS)
        until(lambda: len(store.rows()) == 2 + 2 * THREADS - 1)
        assert len(logged()) == 1
        relay.answers.set()
        told = [caller.answer() for caller in pair]
        assert sum(each.get("success", 0) for each in told) == 1
        assert sum(each.get(Code.EFFECT_OPEN.value, 0) for each in told) == 2 * THREADS - 1
        assert len(logged()) == 1


@pytest.fixture
def held(store: Governed) -> Callable[[int], list[leases.Lease]]:
    """A maker of live runs under a lease."""

    def make(count: int) -> list[leases.Lease]:
        with tenant_tx(store.project_id):
            Project.objects.update(max_concurrent_runs=count)
        for number in range(count):
            order = Order(
                project_id=store.project_id,
                agent_id=store.agent_id,
                is_shadow=False,
                trigger_type=Trigger.API,
                input={"n": number},
            )
            orders.place(order)
        taken = leases.claim(worker="w", batch=count)
        assert len(taken) == count
        return taken

    return make


def of_run(store: Governed, lease: leases.Lease, number: int = 0) -> Call:
    whose = {"run_id": lease.run_id, "epoch": lease.epoch, "is_shadow": False}
    return store.call("echo", {"n": number}, **whose)


def cancel(store: Governed, lease: leases.Lease) -> None:
    with tenant_tx(store.project_id):
        cancelling.cancel(store.project_id, lease.run_id, actor="ann")


class TestCancel:
    """A run that is called off claims no effect any more."""

    def test_while_it_is_committed_a_claim_waits_and_is_refused(
        self, store: Governed, logged: Logged, held: Callable[[int], list[leases.Lease]]
    ) -> None:
        (lease,) = held(1)
        ended: list[Any] = []

        def work() -> None:
            ended.append(calls.call_tool(of_run(store, lease)))
            connections.close_all()

        thread = threading.Thread(target=work)
        with tenant_tx(store.project_id):
            cancelling.cancel(store.project_id, lease.run_id, actor="ann")
            thread.start()
            until(waits_for_a_lock)
        thread.join()
        assert [result.code for result in ended] == [Code.RUN_LEASE_LOST]
        assert logged() == []

    def test_never_comes_before_a_claim(
        self, store: Governed, logged: Logged, held: Callable[[int], list[leases.Lease]]
    ) -> None:
        """The chain of evidence says in which order the two were committed."""
        chance = random.Random(7)
        taken = held(ROUNDS)
        begun = time.perf_counter()
        calls.call_tool(store.call("echo", {"warm": True}))
        calls.call_tool(store.call("echo", {"warm": 2}))
        usual = (time.perf_counter() - begun) / 2
        start = threading.Barrier(2)
        said: dict[UUID, Any] = {}

        def work() -> None:
            for number, lease in enumerate(taken):
                start.wait()
                said[lease.run_id] = calls.call_tool(of_run(store, lease, number)).code
            connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        for lease in taken:
            start.wait()
            time.sleep(chance.uniform(0, usual))
            cancel(store, lease)
        thread.join()

        order: dict[str, list[str]] = {}
        for event in sorted(store.rows("awooop_audit_event"), key=lambda each: each["seq"]):
            if event["act"] in ("call.sent", "run.cancelled") and event["run_id"]:
                order.setdefault(event["run_id"], []).append(event["act"])
        claimed = [run for run, acts in order.items() if "call.sent" in acts]
        assert all(order[run] == ["call.sent", "run.cancelled"] for run in claimed)
        assert len(order) == ROUNDS
        assert len(claimed) == list(said.values()).count(None) == len(logged()) - 2
        refused = {code for code in said.values() if code is not None}
        assert refused <= {Code.RUN_LEASE_LOST}
