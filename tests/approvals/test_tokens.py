"""Tickets: what was issued is believed, once; nothing else opens anything."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from approvals import tokens
from approvals.models import Approval
from awooop.errors import Code, Refused
from awooop.kit import ids, tickets
from gateway import calls, grants
from gateway.models import Status
from runs import leases, worker
from tests.approvals import forgeries
from tests.approvals.conftest import Office
from tests.gateway.upstreams.good import Upstream

NEW, OLD = f"new:{'n' * 40}", f"old:{'o' * 40}"
AT = datetime(2026, 5, 4, 10, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def keys(settings: Any) -> None:
    settings.TICKET_KEYS = [NEW, OLD]
    settings.CONTRACT_KEYS = [f"new:{'c' * 40}"]
    settings.REDACTION_KEY = "r" * 40


@pytest.fixture
def approval() -> Approval:
    """A request that somebody has said yes to; it is written nowhere."""
    return Approval(
        project_id="shop",
        run_id=ids.new_id(),
        agent_id="sre-agent",
        tool_name="write__shop",
        action_sha256="5c" * 32,
        ticket_id=tokens.new_id(),
    )


def expected(approval: Approval, **changed: Any) -> dict[str, Any]:
    says = grants.bound(
        project_id=approval.project_id,
        agent_id=approval.agent_id,
        tool=approval.tool_name,
        action=approval.action_sha256,
        run_id=approval.run_id,
        mode="live",
    )
    return {**says, "at": AT, **changed}


def opens(ticket: Any, approval: Approval) -> Code | None:
    """Return why a ticket opens nothing; None when it is believed."""
    try:
        tokens.read(ticket, **expected(approval))
    except Refused as refusal:
        return refusal.code
    return None


def seen(ticket: str) -> forgeries.Forger:
    return forgeries.forger(tickets.peek(ticket))


class TestIssue:
    def test_needs_a_yes(self, approval: Approval) -> None:
        approval.ticket_id = None
        with pytest.raises(Refused):
            tokens.issue(approval, at=AT)

    def test_lives_a_quarter_of_an_hour_and_no_longer(self, approval: Approval) -> None:
        ticket = tokens.issue(approval, at=AT)
        tokens.read(ticket, **expected(approval, at=AT + timedelta(seconds=899)))
        for seconds in (-1, 900, 3_600):
            with pytest.raises(Refused):
                tokens.read(ticket, **expected(approval, at=AT + timedelta(seconds=seconds)))


class TestRead:
    def test_believes_no_forgery(self, approval: Approval) -> None:
        real = tokens.issue(approval, at=AT)
        made = forgeries.all_of(seen(real))
        told = {name: opens(forged, approval) for name, forged in made.items()}
        assert told == dict.fromkeys(made, Code.APPROVAL_TICKET)
        assert len(made) > 300
        assert real not in made.values()
        assert tokens.read(real, **expected(approval))["jti"] == approval.ticket_id

    def test_a_forger_with_the_key_writes_what_we_do(self, approval: Approval) -> None:
        """What the forgeries are made from is good: it is their trick that is refused."""
        real = tokens.issue(approval, at=AT)
        assert tokens.read(seen(real).real(), **expected(approval)) == tickets.peek(real)

    @pytest.mark.parametrize("name", ["project", "agent", "tool", "action", "run", "mode"])
    def test_is_for_what_is_asked(self, approval: Approval, name: str) -> None:
        ticket = tokens.issue(approval, at=AT)
        for other in ("", "*", "x", None, uuid4(), [], True):
            with pytest.raises(Refused):
                tokens.read(ticket, **expected(approval, **{name: other}))

    def test_is_of_whom_is_asked(self, approval: Approval) -> None:
        ticket = tokens.issue(approval, at=AT)
        whose = {"sub": approval.approval_id, "jti": approval.ticket_id}
        tokens.read(ticket, **expected(approval, **whose))
        for name in ("sub", "jti", "no such claim"):
            with pytest.raises(Refused):
                tokens.read(ticket, **expected(approval, **{name: uuid4()}))

    @pytest.mark.parametrize("odd", [None, 7, b"", [], {}, object()])
    def test_takes_nothing_but_a_text(self, odd: Any) -> None:
        with pytest.raises(Refused):
            tokens.read(odd)


class TestRotation:
    def test_the_first_signs_and_all_are_believed(self, approval: Approval, settings: Any) -> None:
        settings.TICKET_KEYS = [OLD]
        old = tokens.issue(approval, at=AT)
        settings.TICKET_KEYS = [NEW, OLD]
        new = tokens.issue(approval, at=AT)
        told = [json.loads(forgeries.unb64(each.partition(".")[0]))["kid"] for each in (old, new)]
        assert told == ["old", "new"]
        for ticket in (old, new):
            assert tokens.read(ticket, **expected(approval))["sub"] == str(approval.approval_id)
        settings.TICKET_KEYS = [NEW]
        with pytest.raises(Refused):
            tokens.read(old, **expected(approval))
        tokens.read(new, **expected(approval))

    def test_without_keys_of_their_own_one_is_derived(
        self, approval: Approval, settings: Any
    ) -> None:
        settings.TICKET_KEYS = []
        ticket = tokens.issue(approval, at=AT)
        tokens.read(ticket, **expected(approval))
        settings.SECRET_KEY = "another" * 8
        with pytest.raises(Refused):
            tokens.read(ticket, **expected(approval))


class TestGate:
    def test_no_forgery_reaches_the_upstream_and_the_real_one_does_once(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        assert asked is not None
        office.decide(asked.approval_id, "ann")
        approval = office.approval(asked.approval_id)
        worker.reap()
        (lease,) = leases.claim(worker="w", batch=1)
        whose = {"run_id": lease.run_id, "epoch": lease.epoch, "is_shadow": False}
        call = office.shop.call("write", {"n": 1}, **whose)

        real = tokens.issue(approval, at=timezone.now())
        made = forgeries.all_of(seen(real))
        told = {
            name: calls.call_tool(replace(call, ticket=forged, call_id=ids.new_id()))
            for name, forged in made.items()
        }
        assert upstream.calls == []
        assert office.shop.rows("awooop_tool_effect") == []
        assert {name: each.code for name, each in told.items()} == dict.fromkeys(
            made, Code.GATE_APPROVAL
        )
        assert all(each.asked is None for each in told.values()), "a forger asked a human"

        def use(**changed: Any) -> Any:
            fresh = tokens.issue(approval, at=timezone.now())
            return calls.call_tool(replace(call, call_id=ids.new_id(), ticket=fresh, **changed))

        assert use().status is Status.SUCCESS
        for key in (None, "another", "and another"):  # burned, however often it is signed again
            assert use(key=key).code is Code.EFFECT_DONE
        assert [dict(each.arguments) for each in upstream.calls] == [{"n": 1}]
