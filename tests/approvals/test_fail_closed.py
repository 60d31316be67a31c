"""No evidence, no yes and no act: with inserts into the audit refused, nothing is half done."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from approvals import expiry, settling
from approvals.decisions import Decision
from awooop.errors import Code, Unavailable
from awooop.kit import ids
from awooop.kit.db import tenant_tx
from gateway.shapes import Asked
from runs import cancelling, leases, worker
from tests.approvals import clock
from tests.approvals.conftest import ASKING, Office
from tests.audit.test_fail_closed import everything, unwritable
from tests.gateway.upstreams.good import Upstream

RISKY = {"rules": [{"name": "risky", "decision": "needs_approval", "risk": "high"}]}


@pytest.fixture
def asked(office: Office) -> Asked:
    """A request that two people must say yes to; one has."""
    office.shop.sign({**ASKING, "approval": RISKY})
    found = office.ask(n=1).asked
    assert found is not None
    office.decide(found.approval_id, "ann")
    return found


def cancel(run_id: Any) -> None:
    with tenant_tx("shop"):
        cancelling.cancel("shop", run_id, actor="t")


Act = Callable[[Office, Asked], Any]
ACTS: dict[str, Act] = {
    "ask": lambda office, _: office.ask(n=2),
    "the last yes": lambda office, asked: office.decide(asked.approval_id, "bob"),
    "a no": lambda office, asked: office.decide(asked.run_id, "bob", Decision.REJECT),
    "cancel": lambda _, asked: cancel(asked.run_id),
}


class TestWithoutEvidence:
    def test_nothing_is_decided_and_the_reason_is_told(
        self, office: Office, asked: Asked, upstream: Upstream
    ) -> None:
        before = everything()
        with unwritable():
            for name, act in ACTS.items():
                with pytest.raises(Unavailable) as refusal:
                    act(office, asked)
                assert refusal.value.code is Code.AUDIT_UNWRITABLE, name
                assert everything() == before, name
            clock.overdue(asked.approval_id)
            late = everything()
            with pytest.raises(Unavailable):
                expiry.expire()
            assert everything() == late
        assert expiry.expire() == 1
        assert upstream.calls == []

    def test_nothing_is_called_and_the_yes_is_not_lost(
        self, office: Office, asked: Asked, upstream: Upstream
    ) -> None:
        office.decide(asked.approval_id, "bob")
        worker.reap()
        kept = ("awooop_approval", "awooop_approval_vote", "awooop_tool_effect", "awooop_budget")
        before = {name: rows for name, rows in everything().items() if name.startswith(kept)}
        calls_before = len(office.shop.rows())
        with unwritable():
            worker.drain(worker="w")
            after = everything()
            assert {name: after[name] for name in before} == before
            assert len(office.shop.rows()) == calls_before
        assert upstream.calls == []
        assert office.run(asked.run_id)["state"] == "running"

        clock.lapse(asked.run_id)
        office.work()
        assert [dict(seen.arguments) for seen in upstream.calls] == [{"n": 1}]
        assert office.approval(asked.approval_id).disposition == "approved-executed"

    def test_no_ticket_is_burned(
        self, office: Office, asked: Asked, upstream: Upstream, monkeypatch: Any
    ) -> None:
        """The evidence fails in the claim itself, after every gate has let the call through."""
        office.decide(asked.approval_id, "bob")
        worker.reap()
        taken = leases.claim(worker="w", batch=1)
        before = everything()
        monkeypatch.setattr("gateway.standings._STANDING", _blind())
        with unwritable():
            worker.execute(taken[0])
            after = everything()
        changed = {name for name in before if after[name] != before[name]}
        intents = {"awooop_operation", "awooop_run_state", "awooop_run_step_journal"}
        assert changed <= intents, "an intent, and no more"
        assert upstream.calls == []
        clock.lapse(asked.run_id)
        office.work()
        assert len(upstream.calls) == 1


class TestSettle:
    def test_tells_of_a_yes_whose_run_was_called_off(
        self, office: Office, asked: Asked, upstream: Upstream
    ) -> None:
        office.decide(asked.approval_id, "bob")
        assert settling.settle() == 0
        cancel(asked.run_id)
        with unwritable(), pytest.raises(Unavailable):
            settling.settle()
        assert office.approval(asked.approval_id).disposition == ""
        assert [settling.settle(), settling.settle()] == [1, 0]
        assert office.approval(asked.approval_id).disposition == "denied-not-executed"
        office.work()
        assert upstream.calls == []

    @pytest.mark.parametrize(
        ("became", "told"),
        [
            (["unknown", "executed"], ["outcome-unknown", "approved-executed"]),
            (["unknown", "error"], ["outcome-unknown", "execution-error"]),
            (["error", "unsent"], ["execution-error", "execution-error"]),
            (["unsent"], ["denied-not-executed"]),
        ],
    )
    def test_says_what_the_effect_says_and_learns_later(
        self, office: Office, asked: Asked, became: list[str], told: list[str]
    ) -> None:
        ticket = office.decide(asked.approval_id, "bob").ticket_id
        worker.reap()
        (lease,) = leases.claim(worker="w", batch=1)
        effect = claimed(lease, asked, ticket)
        cancel(asked.run_id)
        if became[0] == "unknown":
            settling.settle()
            assert office.approval(asked.approval_id).disposition == "outcome-unknown"
        found = []
        for outcome in became:
            with tenant_tx("shop"), connections["default"].cursor() as cursor:
                cursor.execute(
                    "UPDATE awooop_tool_effect SET outcome = %s, is_unsent = %s, resolved_by = 't'"
                    " WHERE effect_id = %s AND outcome IN ('claimed', 'unknown')",
                    [outcome.replace("unsent", "error"), outcome == "unsent", effect],
                )
            settling.settle()
            found.append(office.approval(asked.approval_id).disposition)
        assert found == told


def claimed(lease: leases.Lease, asked: Asked, ticket: str | None) -> Any:
    """Claim an effect as a worker does that is lost right after it."""
    effect_id = ids.new_id()
    key = f"run:{lease.run_id}:approval:{asked.approval_id}"
    with tenant_tx("shop"), connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO awooop_tool_effect (project_id, effect_id, agent_id, actor, run_id,"
            " lease_epoch, trace_id, gateway_id, tool_name, environment, arguments, args_sha256,"
            " action_sha256, ticket_id, key, probe, outcome, note, claimed_at, expires_at)"
            " VALUES ('shop', %s, %s, 't', %s, %s, '', 'shop', 'write__shop', '', '{}', 'x', 'x',"
            " %s, %s, 'null', 'claimed', '', now(), now() + interval '1 minute')",
            [effect_id, lease.agent_id, lease.run_id, lease.epoch, ticket, key],
        )
    return effect_id


def _blind() -> str:
    """Return the gates' question, answered as by a database that would let evidence be written."""
    from gateway import standings

    asked = "has_any_column_privilege('awooop_audit_event', 'INSERT')"
    assert asked in standings._STANDING
    return standings._STANDING.replace(asked, "true")
