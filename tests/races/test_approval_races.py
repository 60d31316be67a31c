"""Everybody at once: one ticket is burned once, one decision holds, and nothing dead is called."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from approvals import expiry, settling, tokens
from approvals.decisions import Decided, Decision
from approvals.models import Approval
from awooop.errors import AwoooPError, Code
from awooop.kit import redis
from awooop.kit.db import tenant_tx
from gateway.models import Status
from gateway.shapes import Asked
from runs import cancelling, leases, worker
from tests.approvals import clock
from tests.approvals.conftest import ASKING, Office, office  # noqa: F401 - a fixture
from tests.gateway.conftest import _served, shop, upstream  # noqa: F401 - fixtures
from tests.gateway.upstreams.good import Upstream
from tests.races.conftest import Caller

REPLAYS = 50
ROUNDS = int(os.environ.get("APPROVAL_RACE_ROUNDS", "32"))
FEW = min(ROUNDS, 32) // 8  # of what ends no request: an agent may have only so many waiting
HANDS = 4
DECIDED, VOTED = Code.APPROVAL_DECIDED, Code.APPROVAL_VOTED


class Crowd:
    """Threads that stay, each with a connection of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool, self._start = pool, threading.Barrier(HANDS)

    def at_once(self, *works: Callable[[], Any], within: float = 0.0) -> list[Any]:
        """Do all of it at the same moment, or each at some moment within so many seconds.

        Returns for each what it returned, or the code of the conflict that it met.
        """
        idle = [lambda: None] * (HANDS - len(works))
        return list(self._pool.map(lambda work: self._do(work, within), [*works, *idle]))[
            : len(works)
        ]

    def _do(self, work: Callable[[], Any], within: float) -> Any:
        self._start.wait(20)
        time.sleep(random.uniform(0, within))
        try:
            return work()
        except AwoooPError as reason:
            return reason.code


@pytest.fixture
def crowd(clean: None) -> Iterator[Crowd]:
    with ThreadPoolExecutor(HANDS) as pool:
        made = Crowd(pool)
        yield made
        made.at_once(*[connections.close_all] * HANDS)


def asked(office: Office, n: int) -> Asked:
    found = office.ask(n=n).asked
    assert found is not None
    return found


class TestBurn:
    """Fifty threads in two processes have the same ticket, each with a name of its own for it."""

    def test_lets_one_of_many_through_whatever_happens_to_valkey(
        self,
        office: Office,
        upstream: Upstream,
        callers: Callable[[int], list[Caller]],
    ) -> None:
        office.shop.sign(ASKING, concurrent_calls=100)
        request = asked(office, 1)
        office.decide(request.approval_id, "ann")
        worker.reap()
        (lease,) = leases.claim(worker="w", batch=1)
        whose = {"run_id": lease.run_id, "epoch": lease.epoch, "is_shadow": False}
        call = office.shop.call("write", {"n": 1}, **whose)
        call = replace(call, ticket=tokens.issue(self._approval(request), at=timezone.now()))
        pair = callers(2)
        told: Counter[str] = Counter()
        for storm in range(2):  # while it is burned, and after
            for number, caller in enumerate(pair):
                keys = [f"{storm}.{number}.{n}" for n in range(REPLAYS // 2)]
                every = [replace(call, key=key) for key in keys]
                caller.ask(threads=REPLAYS // 2, calls=every)
            said = threading.Thread(
                target=lambda: [told.update(caller.answer()) for caller in pair]
            )
            said.start()
            while said.is_alive():
                redis.ask(lambda server: server.flushdb())
                time.sleep(0.005)
            said.join()
        assert len(upstream.calls) == 1
        assert told.pop("success") == 1
        assert set(told) <= {Code.EFFECT_OPEN.value, Code.EFFECT_DONE.value}
        assert told.total() == 2 * REPLAYS - 1
        assert len(office.shop.rows("awooop_tool_effect")) == 1

    @staticmethod
    def _approval(request: Asked) -> Approval:
        with tenant_tx("shop"):
            return Approval.objects.get(project_id="shop", approval_id=request.approval_id)


class TestDecide:
    def test_yes_and_no_at_once_have_one_winner(self, office: Office, crowd: Crowd) -> None:
        for n in range(ROUNDS // 4):
            request = asked(office, n)
            said = crowd.at_once(
                lambda r=request: office.decide(r.approval_id, "ann"),
                lambda r=request: office.decide(r.run_id, "bob", Decision.REJECT),
            )
            (won,) = [each for each in said if isinstance(each, Decided)]
            assert [each for each in said if each is not won] == [DECIDED]
            is_yes = won.decision is Decision.APPROVE
            approval, run = office.approval(request.approval_id), office.run(request.run_id)
            assert approval.standing == ("approved" if is_yes else "rejected")
            assert approval.decided_by == ("operator:ann" if is_yes else "operator:bob")
            assert (approval.ticket_id is not None) == is_yes
            assert run["state"] == ("running" if is_yes else "cancelled")
            assert self._votes(office, request) == [(approval.decided_by, is_yes)]
            steps = self._steps(office, request)
            assert steps == [f"operator_console.{won.decision.value}"]

    def test_two_people_who_complete_a_quorum_at_once_complete_it_once(
        self,
        office: Office,
        crowd: Crowd,
    ) -> None:
        rule = {"name": "risky", "decision": "needs_approval", "risk": "high"}
        office.shop.sign({**ASKING, "approval": {"rules": [rule]}})
        for n in range(FEW):
            request = asked(office, n)
            people = ("ann", "bob", "eve")
            said = crowd.at_once(
                *[lambda r=request, by=by: office.decide(r.approval_id, by) for by in people]
            )
            done = [each for each in said if isinstance(each, Decided)]
            assert [each for each in said if each not in done] == [DECIDED]
            assert sorted(each.new_state.value for each in done) == ["running", "waiting_approval"]
            assert sorted(each.votes for each in done) == [1, 2]
            assert len(self._votes(office, request)) == 2
            assert self._steps(office, request) == ["operator_console.approve"]

            again = asked(office, 1_000 + n)
            said = crowd.at_once(*[lambda r=again: office.decide(r.approval_id, "ann")] * HANDS)
            assert said.count(VOTED) == HANDS - 1
            assert self._votes(office, again) == [("operator:ann", True)]
            assert office.approval(again.approval_id).standing == "pending"
            assert office.run(again.run_id)["state"] == "waiting_approval"

    @staticmethod
    def _votes(office: Office, request: Asked) -> list[tuple[str, bool]]:
        rows = office.shop.rows("awooop_approval_vote")
        mine = [row for row in rows if row["approval_id"] == str(request.approval_id)]
        return [(row["voter"], row["is_yes"]) for row in mine]

    @staticmethod
    def _steps(office: Office, request: Asked) -> list[str]:
        rows = office.shop.rows("awooop_run_step_journal")
        return [row["tool_name"] for row in rows if row["run_id"] == str(request.run_id)]


class TestAsk:
    def test_the_same_at_once_makes_one_request(self, office: Office, crowd: Crowd) -> None:
        for n in range(FEW):
            found = crowd.at_once(*[lambda n=n: asked(office, n)] * HANDS)
            assert len(set(found)) == 1
        assert len(office.shop.rows("awooop_approval")) == FEW


class TestEnd:
    """Approving, cancelling, expiring and the worker's claim, all at once, again and again."""

    def test_what_was_called_off_is_never_called(
        self,
        office: Office,
        upstream: Upstream,
        crowd: Crowd,
    ) -> None:
        kinds: Counter[str] = Counter()
        usual = self._usual(office)
        upstream.calls.clear()
        for n in range(ROUNDS):
            kinds[self._round(office, crowd, n, within=usual * random.choice([0, 0.5, 1, 2]))] += 1
        office.work()
        while expiry.expire():  # what was late for a yes, and early for the clock
            pass
        sent = Counter(seen.arguments["n"] for seen in upstream.calls)
        assert set(sent.values()) <= {1}
        while settling.settle():
            pass
        self._check(office, sent)
        assert kinds["approved"], kinds
        assert kinds["expired"] + kinds["withdrawn"], kinds

    @staticmethod
    def _usual(office: Office) -> float:
        """Return how long it takes from a yes to the end of its call."""
        request = asked(office, -1)
        begun = time.perf_counter()
        office.decide(request.approval_id, "ann")
        office.work()
        return time.perf_counter() - begun

    def _round(self, office: Office, crowd: Crowd, n: int, *, within: float) -> str:
        request = asked(office, n)
        if n % 2:
            clock.overdue(request.approval_id, random.uniform(0, within))
        else:
            office.decide(request.approval_id, "bob")
        told = crowd.at_once(
            lambda: isinstance(office.decide(request.approval_id, "ann"), Decided),
            lambda: self._cancel(request.run_id) if n % 3 else None,
            expiry.expire,
            self._work,
            within=within,
        )
        conflicts = {DECIDED, Code.RUN_ILLEGAL_MOVE}
        assert all(each in conflicts for each in told if isinstance(each, Code)), told
        return str(office.approval(request.approval_id).standing)

    @staticmethod
    def _cancel(run_id: UUID) -> None:
        with tenant_tx("shop"):
            cancelling.cancel("shop", run_id, actor="t")

    @staticmethod
    def _work() -> None:
        worker.reap()
        worker.drain(worker="w")

    @staticmethod
    def _check(office: Office, sent: Counter[int]) -> None:
        runs = {row["run_id"]: row for row in office.shop.rows("awooop_run_state")}
        chain: dict[str, list[str]] = {}
        for event in sorted(office.shop.rows("awooop_audit_event"), key=lambda row: row["seq"]):
            chain.setdefault(event["run_id"], []).append(event["act"])
        codes = {"rejected": "E-APPR-REJECTED", "expired": "E-APPR-EXPIRED"}
        for row in office.shop.rows("awooop_approval"):
            n, run = row["arguments"]["n"], runs[row["run_id"]]
            acts = chain[row["run_id"]]
            was_sent = bool(sent[n]) or n < 0
            assert ("call.sent" in acts) == was_sent, row
            assert (row["ticket_id"] is not None) == (row["standing"] == "approved")
            if row["standing"] == "approved":
                assert acts.count("approval.approved") == 1
                assert row["disposition"] == ("approved-executed" if was_sent else DENIED)
                assert run["state"] in ("completed", "cancelled"), run
                if run["state"] == "cancelled" and was_sent:
                    assert acts.index("call.sent") < acts.index("run.cancelled")
            else:
                assert not was_sent, row
                assert (run["state"], row["disposition"]) == ("cancelled", DENIED)
                assert run["error_code"] == codes.get(row["standing"], Code.RUN_CANCELLED.value)
                assert not {"approval.approved", "call.sent"} & set(acts)
        assert Status.SUCCESS.value in {row["result_status"] for row in office.shop.rows()}


DENIED = "denied-not-executed"
