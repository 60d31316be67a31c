"""Who asks for what waits already is one who asks: they decide on it as little as the first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.test import Client

from approvals.decisions import Decision
from awooop.errors import AwoooPError, Code, Unavailable
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Operator
from gateway import calls
from gateway.shapes import Asked
from tests.approvals.conftest import ASKING, Office
from tests.approvals.test_api import Person
from tests.audit.test_fail_closed import unwritable

RISKY = {"rules": [{"name": "risky", "decision": "needs_approval", "risk": "high"}]}
VOTED = "INSERT INTO awooop_approval_vote VALUES ('shop', %s, %s, true, '', now())"
JOINED = "INSERT INTO awooop_approval_joiner VALUES ('shop', %s, %s, now())"
APPROVED = "UPDATE awooop_approval SET standing = 'approved', ticket_id = %s WHERE approval_id = %s"


def joined(office: Office, by: str, **arguments: Any) -> Asked:
    """Have a person ask for what a machine has asked for already."""
    office.ask(**arguments)
    call = replace(office.shop.call("write", arguments), actor=by)
    asked = calls.call_tool(call).asked
    assert asked is not None
    return asked


def alone(work: Callable[..., Any], *given: Any) -> Any:
    try:
        return work(*given)
    finally:
        connections.close_all()


def sql(statement: str, *params: Any) -> None:
    with tenant_tx("shop"), connections["default"].cursor() as cursor:
        cursor.execute(statement, params)


class TestJoiner:
    @pytest.mark.parametrize("decision", list(Decision))
    def test_does_not_decide_on_what_they_asked_for(
        self, office: Office, decision: Decision
    ) -> None:
        asked = joined(office, "operator:ann", n=1)
        joined(office, "operator:ann", n=1)
        with pytest.raises(AwoooPError) as own:
            office.decide(asked.approval_id, "ann", decision)
        assert own.value.code is Code.APPROVAL_OWN
        assert office.shop.rows("awooop_approval_vote") == []
        (row,) = office.shop.rows("awooop_approval_joiner")
        assert row["joiner"] == "operator:ann"
        acts = [each["actor"] for each in office.shop.rows("awooop_audit_event")
                if each["act"] == "approval.joined"]  # fmt: skip
        assert acts == ["operator:ann"]
        assert office.decide(asked.approval_id, "bob").new_state == "running"

    def test_of_one_request_decides_on_another(self, office: Office) -> None:
        joined(office, "operator:ann", n=1)
        other = office.ask(n=2).asked
        assert office.decide(other.approval_id, "ann").new_state == "running"

    def test_has_said_yes_for_nothing_before(self, office: Office) -> None:
        office.shop.sign({**ASKING, "approval": RISKY})
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        joined(office, "operator:ann", n=1)
        assert office.decide(asked.approval_id, "bob").new_state == "waiting_approval"
        assert office.decide(asked.approval_id, "eve").new_state == "running"

    def test_decides_where_the_policy_lets_who_asks(self, office: Office) -> None:
        office.shop.sign({**ASKING, "approval": {"requester_may_approve": True}})
        asked = joined(office, "operator:ann", n=1)
        assert office.decide(asked.approval_id, "ann").new_state == "running"

    def test_of_what_is_decided_asks_anew(self, office: Office) -> None:
        first = office.ask(n=1).asked
        office.decide(first.approval_id, "ann", Decision.REJECT)
        assert joined(office, "operator:ann", n=1).approval_id != first.approval_id
        with pytest.raises(DatabaseError):
            sql(JOINED, first.approval_id, "operator:bob")

    def test_comes_before_the_last_yes_or_after_it(self, office: Office) -> None:
        office.shop.sign({**ASKING, "approval": RISKY})
        for n in range(6):
            asked = office.ask(n=n).asked
            office.decide(asked.approval_id, "ann")
            again = replace(office.shop.call("write", {"n": n}), actor="operator:ann")
            with ThreadPoolExecutor(2) as threads:
                joins = threads.submit(alone, calls.call_tool, again)
                decides = threads.submit(alone, office.decide, asked.approval_id, "bob")
            is_same = joins.result().asked.approval_id == asked.approval_id
            told = ("pending", "waiting_approval") if is_same else ("approved", "running")
            standing = office.approval(asked.approval_id).standing
            assert (standing, decides.result().new_state) == told

    def test_leaves_evidence_or_does_not_join(self, office: Office) -> None:
        office.ask(n=1)
        with unwritable(), pytest.raises(Unavailable):
            joined(office, "operator:ann", n=1)
        assert office.shop.rows("awooop_approval_joiner") == []

    def test_is_shown_with_the_request(self, office: Office) -> None:
        asked = joined(office, "operator:ann", n=1)
        told = Person("bob").get(f"/{asked.approval_id}")
        assert told.json()["also_asked_by"] == ["operator:ann"]
        browser = Client()
        browser.force_login(Operator.objects.get(username="ann"))
        page = f"/admin/approvals/shop/{asked.approval_id}/"
        told = browser.get(page).content.decode()
        assert "Also asked by" in told
        assert "You asked for this yourself" in told
        assert browser.get(f"{page}approve/").status_code == 403


class TestDatabase:
    """The same, for whoever writes rows by hand."""

    def test_refuses_a_joiners_vote(self, office: Office) -> None:
        asked = joined(office, "operator:ann", n=1)
        with pytest.raises(DatabaseError, match="of their own"):
            sql(VOTED, asked.approval_id, "operator:ann")
        sql(VOTED, asked.approval_id, "operator:bob")

    def test_counts_no_vote_of_who_joined_since(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        sql(VOTED, asked.approval_id, "operator:ann")
        sql(JOINED, asked.approval_id, "operator:ann")
        with pytest.raises(DatabaseError, match="votes of others"):
            sql(APPROVED, "t", asked.approval_id)
        sql(VOTED, asked.approval_id, "operator:bob")
        sql(APPROVED, "t", asked.approval_id)

    @pytest.mark.parametrize("change", ["DELETE FROM", "UPDATE"])
    def test_forgets_nobody_who_joined(self, office: Office, change: str) -> None:
        joined(office, "operator:ann", n=1)
        rest = " SET joiner = 'x'" if change == "UPDATE" else ""
        with pytest.raises(DatabaseError, match="permission denied"):
            sql(f"{change} awooop_approval_joiner{rest}")
