"""One verb for yes and no: who may say it, what it leads to, and what the database refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connections
from django.utils import timezone

from approvals import expiry, tokens
from approvals.decisions import Decision
from awooop.errors import AwoooPError, Code, NotFound, Refused, Unavailable
from awooop.kit.db import tenant_tx
from awooop.tenants import members
from gateway import calls, switches
from gateway.models import Level, Status
from runs import cancelling
from tests.approvals.conftest import ASKING, Office
from tests.audit.test_fail_closed import unwritable
from tests.gateway.upstreams.good import Upstream


def _code(raised: pytest.ExceptionInfo[AwoooPError]) -> Code:
    return raised.value.code


class TestAsking:
    def test_a_call_that_needs_a_human_waits_with_a_run(self, office: Office) -> None:
        result = office.ask(n=1)
        assert (result.status, result.code) == (Status.BLOCKED, Code.GATE_APPROVAL)
        assert result.asked is not None
        assert office.run(result.asked.run_id)["state"] == "waiting_approval"
        approval = office.approval(result.asked.approval_id)
        assert (approval.risk, approval.required_signatures) == ("medium", 1)
        assert str(result.asked.approval_id) in result.content[0]["text"]

    def test_the_same_action_joins_the_request_that_waits(self, office: Office) -> None:
        first, second, other = office.ask(n=1), office.ask(n=1), office.ask(n=2)
        assert first.asked == second.asked
        assert first.asked != other.asked
        assert len(office.shop.rows("awooop_approval")) == 2

    def test_nobody_is_asked_without_end(self, office: Office, monkeypatch) -> None:
        monkeypatch.setattr("approvals.requests.MOST_PENDING", 2)
        asked = [office.ask(n=n).asked for n in range(4)]
        assert [each is not None for each in asked] == [True, True, False, False]


class TestApprove:
    def test_the_captured_call_is_made_once_by_a_worker(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        decided = office.decide(asked.run_id, "ann")
        assert decided.new_state == "running"
        assert upstream.calls == []
        office.work()
        office.work()
        assert [dict(seen.arguments) for seen in upstream.calls] == [{"n": 1}]
        assert office.run(asked.run_id)["state"] == "completed"
        approval = office.approval(asked.approval_id)
        assert approval.disposition == "approved-executed"
        assert approval.result["status"] == "success"
        (effect,) = office.shop.rows("awooop_tool_effect")
        assert effect["ticket_id"] == approval.ticket_id == decided.ticket_id
        steps = [row["tool_name"] for row in office.shop.rows("awooop_run_step_journal")]
        assert steps.count("operator_console.approve") == 1

    def test_high_risk_waits_for_two_different_people(
        self, office: Office, upstream: Upstream
    ) -> None:
        rule = {"name": "risky", "decision": "needs_approval", "risk": "high"}
        office.shop.sign({**ASKING, "approval": {"rules": [rule]}})
        asked = office.ask(n=1).asked
        assert office.decide(asked.approval_id, "ann").new_state == "waiting_approval"
        with pytest.raises(AwoooPError) as again:
            office.decide(asked.approval_id, "ann")
        assert _code(again) is Code.APPROVAL_VOTED
        office.work()
        assert upstream.calls == []
        assert office.decide(asked.approval_id, "bob").new_state == "running"

    def test_a_yes_of_somebody_dismissed_does_not_count(self, office: Office) -> None:
        rule = {"name": "risky", "decision": "needs_approval", "risk": "high"}
        office.shop.sign({**ASKING, "approval": {"rules": [rule]}})
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        with tenant_tx("shop"):
            members.dismiss("shop", "ann", actor="t")
        assert office.decide(asked.approval_id, "bob").new_state == "waiting_approval"
        assert office.decide(asked.approval_id, "eve").new_state == "running"

    def test_what_changed_since_the_yes_is_refused(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        office.shop.sign(ASKING, description="another contract")
        office.work()
        assert upstream.calls == []
        assert office.approval(asked.approval_id).disposition == "denied-not-executed"
        assert office.run(asked.run_id)["error_code"] == Code.GATE_APPROVAL.value

    def test_a_switch_thrown_since_the_yes_stops_it(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        switches.throw(
            Level.PROJECT, project_id="shop", reason="fire", actor="op", at=timezone.now()
        )
        office.work()
        assert upstream.calls == []
        assert office.run(asked.run_id)["error_code"] == Code.KILLED.value


class TestRefusals:
    def test_unknown_is_not_found(self, office: Office) -> None:
        with pytest.raises(NotFound):
            office.decide(uuid4(), "ann")

    def test_strangers_and_machines_do_not_decide(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        for name in ("mallory", ""):
            with pytest.raises(Refused):
                office.decide(asked.approval_id, name)

    def test_nobody_decides_on_their_own_request(self, office: Office) -> None:
        call = replace(office.shop.call("write"), actor="operator:ann")
        asked = calls.call_tool(call).asked
        with pytest.raises(Refused) as refused:
            office.decide(asked.approval_id, "ann")
        assert _code(refused) is Code.APPROVAL_OWN
        with (
            pytest.raises(DatabaseError),
            tenant_tx("shop"),
            connections["default"].cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO awooop_approval_vote VALUES ('shop', %s, 'operator:ann', true, '',"
                " now())",
                [asked.approval_id],
            )
        assert office.decide(asked.approval_id, "bob").new_state == "running"

    def test_a_second_decision_is_a_conflict_that_names_the_state(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann", Decision.REJECT, "no")
        with pytest.raises(AwoooPError) as late:
            office.decide(asked.run_id, "bob")
        assert late.value.facts["state"] == "cancelled"

    def test_the_database_lets_nobody_skip_the_votes(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        for change in ("standing = 'approved', ticket_id = 'x'", "ticket_id = 'x'"):
            with (
                pytest.raises(DatabaseError),
                tenant_tx("shop"),
                connections["default"].cursor() as cursor,
            ):
                cursor.execute(
                    f"UPDATE awooop_approval SET {change} WHERE approval_id = %s",
                    [asked.approval_id],
                )


class TestEndings:
    def test_a_no_cancels_the_run_and_sends_nothing(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        assert office.decide(asked.run_id, "ann", Decision.REJECT).new_state == "cancelled"
        office.work()
        run = office.run(asked.run_id)
        assert (run["state"], run["error_code"]) == ("cancelled", "E-APPR-REJECTED")
        assert upstream.calls == []

    def test_expired_is_not_rejected(self, office: Office, upstream: Upstream) -> None:
        asked = office.ask(n=1).asked
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_approval NO FORCE ROW LEVEL SECURITY")
            cursor.execute("UPDATE awooop_approval SET expires_at = now() - interval '1 second'")
            cursor.execute("ALTER TABLE awooop_approval FORCE ROW LEVEL SECURITY")
        assert expiry.expire() == 1
        assert expiry.expire() == 0
        office.work()
        assert office.approval(asked.approval_id).standing == "expired"
        assert office.run(asked.run_id)["error_code"] == "E-APPR-EXPIRED"
        assert upstream.calls == []

    def test_cancelling_the_run_withdraws_the_request(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        with tenant_tx("shop"):
            cancelling.cancel("shop", asked.run_id, actor="t")
        assert office.approval(asked.approval_id).standing == "withdrawn"

    def test_no_evidence_no_decision(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        with unwritable(), pytest.raises(Unavailable):
            office.decide(asked.approval_id, "ann")
        assert office.approval(asked.approval_id).standing == "pending"
        assert office.shop.rows("awooop_approval_vote") == []


class TestStep:
    """What a decision leaves in the run's journal."""

    @pytest.mark.parametrize("decision", list(Decision))
    def test_is_short_and_names_who_decided(self, office: Office, decision: Decision) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.run_id, "ann", decision, "long " * 90)
        rows = office.shop.rows("awooop_run_step_journal")
        name = f"operator_console.{decision.value}"
        (step,) = [row for row in rows if row["tool_name"] == name]
        assert "operator:ann" in step["block_reason"]
        assert len(step["block_reason"]) <= 128

    @pytest.mark.parametrize("decision", list(Decision))
    def test_that_cannot_be_written_undoes_nothing(
        self, office: Office, decision: Decision
    ) -> None:
        asked = office.ask(n=1).asked
        with unjournalled():
            decided = office.decide(asked.run_id, "ann", decision)
        assert office.run(asked.run_id)["state"] == decided.new_state
        standing = office.approval(asked.approval_id).standing
        assert standing == ("approved" if decision is Decision.APPROVE else "rejected")
        acts = [row["act"] for row in office.shop.rows("awooop_audit_event")]
        assert f"approval.{standing}" in acts
        steps = [row["tool_name"] for row in office.shop.rows("awooop_run_step_journal")]
        assert not any(name.startswith("operator_console") for name in steps)


@contextmanager
def unjournalled() -> Iterator[None]:
    """With a journal that takes no step of an operator."""
    table = "ALTER TABLE awooop_run_step_journal"
    with connections["owner"].cursor() as cursor:
        refusing = "CHECK (tool_name NOT LIKE 'operator\\_%') NOT VALID"
        cursor.execute(f"{table} ADD CONSTRAINT refusing {refusing}")
        try:
            yield
        finally:
            cursor.execute(f"{table} DROP CONSTRAINT refusing")


class TestRead:
    def test_believes_only_what_was_issued_for_this(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        approval = office.approval(asked.approval_id)
        ticket = tokens.issue(approval, at=timezone.now())
        claims = tokens.read(ticket, project="shop", run=asked.run_id)
        assert claims["sub"] == str(asked.approval_id)
        for name, value in {"project": "other", "run": uuid4(), "tool": "x", "mode": "any"}.items():
            with pytest.raises(Refused):
                tokens.read(ticket, **{name: value})
        with pytest.raises(Refused):
            tokens.read(ticket, at=timezone.now() + timedelta(minutes=16))
