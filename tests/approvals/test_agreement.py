"""Edited requests, and how often people agreed with what was proposed."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.test import Client
from django.utils import timezone

from approvals import agreement, edits
from approvals.decisions import Decision
from approvals.edits import changes
from approvals.models import Approval
from awooop.errors import AwoooPError, Code, Unavailable
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Role
from awooop.tenants.modes import Mode
from gateway import humans
from runs import cancelling
from tests.approvals.conftest import ASKING, Office
from tests.approvals.test_api import Person
from tests.audit.test_fail_closed import unwritable
from tests.gateway.governed import LAX
from tests.gateway.upstreams.good import Upstream

AUTHENTICATION = "django.contrib.auth.backends.ModelBackend"


def edit(office: Office, identity: UUID, by: str = "bob", **arguments: Any) -> Approval:
    return edits.edit(
        "shop",
        identity,
        arguments,
        editor=f"operator:{by}",
        reason="fewer",
        at=timezone.now(),
    )


def figures() -> agreement.Agreement:
    """Return how it stands for the one tool of the shop that writes."""
    with pipe() as p, p.operator_tx({"shop"}):
        (found,) = agreement.of(p, {"shop"}, at=timezone.now())
    return found


class TestEdit:
    def test_the_edited_call_is_made_and_the_first_never(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=10, name="web").asked
        made = edit(office, asked.approval_id, n=3, name="web")
        assert (made.run_id, made.edited_from) == (asked.run_id, asked.approval_id)
        assert made.changes == [{"at": "/n", "was": 10, "now": 3}]
        old = office.approval(asked.approval_id)
        assert (old.standing, old.decided_by) == ("withdrawn", "operator:bob")
        assert made.action_sha256 != old.action_sha256
        assert office.decide(asked.run_id, "ann").approval_id == made.approval_id
        office.work()
        assert [dict(seen.arguments) for seen in upstream.calls] == [{"n": 3, "name": "web"}]
        assert office.run(asked.run_id)["state"] == "completed"

    def test_who_edits_asks_and_does_not_decide_alone(self, office: Office) -> None:
        made = edit(office, office.ask(n=1).asked.run_id, n=2)
        with pytest.raises(AwoooPError) as own:
            office.decide(made.approval_id, "bob")
        assert own.value.code is Code.APPROVAL_OWN
        assert office.decide(made.approval_id, "ann").new_state == "running"

    def test_a_vote_for_the_first_does_not_count_for_the_edit(self, office: Office) -> None:
        rule = {"name": "risky", "decision": "needs_approval", "risk": "high"}
        office.shop.sign({**ASKING, "approval": {"rules": [rule]}})
        asked = office.ask(n=1).asked
        office.decide(asked.approval_id, "ann")
        made = edit(office, asked.approval_id, "bob", n=2)
        assert (made.risk, made.required_signatures) == ("high", 2)
        assert office.decide(made.approval_id, "ann").votes == 1

    def test_the_agent_is_told_of_the_edit_under_the_id_it_has(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        made = edit(office, edit(office, asked.approval_id, n=2).approval_id, "ann", n=3)
        told = humans.look("shop", office.shop.agent_id, asked.approval_id)
        assert (told["edited_as"], told["standing"]) == (str(made.approval_id), "pending")
        office.decide(asked.run_id, "bob")
        office.work()
        told = humans.look("shop", office.shop.agent_id, asked.approval_id)
        assert (told["disposition"], told["arguments"]) == ("approved-executed", {"n": 3})

    def test_true_is_not_one_and_one_is_one_however_it_is_spelled(self, office: Office) -> None:
        asked = office.ask(n=[True], name="web").asked
        made = edit(office, asked.approval_id, n=[1], name="web")
        assert made.changes == [{"at": "/n", "was": [True], "now": [1]}]
        with pytest.raises(AwoooPError) as same:
            edit(office, made.approval_id, "ann", n=[1.0], name="web")
        assert same.value.code is Code.BODY_INVALID

    def test_refuses_what_could_never_be_done(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        for n in (1, 1.0):
            with pytest.raises(AwoooPError) as same:
                edit(office, asked.approval_id, n=n)
            assert same.value.code is Code.BODY_INVALID
        with pytest.raises(AwoooPError) as stranger:
            edit(office, asked.approval_id, "mallory", n=2)
        assert stranger.value.code is Code.AUTH_FORBIDDEN
        office.shop.go(Mode.SHADOW)
        with pytest.raises(AwoooPError) as shadow:
            edit(office, asked.approval_id, n=2)
        assert shadow.value.code is Code.GATE_SHADOW
        office.shop.go(Mode.ACTIVE)
        office.decide(asked.approval_id, "ann", Decision.REJECT)
        with pytest.raises(AwoooPError) as late:
            edit(office, asked.approval_id, n=2)
        assert late.value.code is Code.APPROVAL_DECIDED

    def test_leaves_a_step_and_evidence(self, office: Office) -> None:
        made = edit(office, office.ask(n=1).asked.approval_id, n=2)
        steps = [row["tool_name"] for row in office.shop.rows("awooop_run_step_journal")]
        assert edits.STEP in steps
        acts = [
            row for row in office.shop.rows("awooop_audit_event") if row["act"] == "approval.edited"
        ]
        assert [row["target"] for row in acts] == [str(made.approval_id)]

    def test_no_evidence_no_edit(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        with unwritable(), pytest.raises(Unavailable):
            edit(office, asked.approval_id, n=2)
        assert office.approval(asked.approval_id).standing == "pending"
        assert len(office.shop.rows("awooop_approval")) == 1

    def test_the_database_lets_an_edit_change_nothing_but_the_arguments(
        self, office: Office
    ) -> None:
        first, other = office.ask(n=1).asked, office.ask(n=2).asked
        made = edit(office, first.approval_id, n=3)
        copied = (
            "INSERT INTO awooop_approval SELECT (jsonb_populate_record(a, %s)).* FROM"
            " awooop_approval a WHERE approval_id = %s"
        )
        fresh = '{"approval_id": "0199d3a1-7c55-7b1e-9a64-0d6c0f1d2b3a", "action_sha256": "x"'
        for change in (
            f', "run_id": "{other.run_id}"}}',
            ', "agent_id": "another"}',
            ', "is_edited": false}',
            f', "edited_from": "{other.approval_id}"}}',
        ):
            with (
                pytest.raises(DatabaseError, match="edit"),
                tenant_tx("shop"),
                connections["default"].cursor() as cursor,
            ):
                cursor.execute(copied, [fresh + change, made.approval_id])


class TestChanges:
    def test_name_every_place_that_is_different(self) -> None:
        was = {"a": {"b/c": 1, "d": [1, 2]}, "e": 1, "f": True}
        now = {"a": {"b/c": 2, "d": [1, 3]}, "f": 1, "g": None}
        assert list(changes(was, now)) == [
            {"at": "/a/b~1c", "was": 1, "now": 2},
            {"at": "/a/d", "was": [1, 2], "now": [1, 3]},
            {"at": "/e", "was": 1},
            {"at": "/f", "was": True, "now": 1},
            {"at": "/g", "now": None},
        ]
        assert list(changes(was, was)) == []


class TestAgreement:
    def test_counts_what_people_made_of_the_proposals(self, office: Office) -> None:
        asked = [office.ask(n=n).asked for n in range(6)]
        office.decide(asked[0].run_id, "ann")
        office.decide(asked[1].run_id, "ann")
        office.decide(asked[2].run_id, "ann", Decision.REJECT)
        edit(office, asked[3].approval_id, n=30)
        office.decide(asked[3].run_id, "ann")
        with tenant_tx("shop"):
            cancelling.cancel("shop", asked[4].run_id, actor="t")
        found = figures()
        assert (found.agent_id, found.tool_name) == (office.shop.agent_id, "write__shop")
        assert (found.asked, found.approved, found.edited, found.rejected) == (6, 2, 1, 1)
        assert (found.withdrawn, found.pending, found.expired) == (1, 1, 0)
        assert found.share == 0.5
        told = Person("ann").get("/agreement", project_id="shop").json()
        (only,) = told["agreement"]
        assert (only["share"], told["days"], told["last"]) == (0.5, 30, 100)

    def test_suggest_mode_asks_about_every_write(self, office: Office) -> None:
        office.shop.sign(LAX)
        office.shop.go(Mode.SUGGEST)
        asked = office.ask(n=1).asked
        assert asked is not None
        assert figures().share is None
        office.decide(asked.run_id, "ann")
        assert figures().share == 1.0

    def test_looks_at_the_last_ones_only(self, office: Office, monkeypatch: Any) -> None:
        monkeypatch.setattr(agreement, "LAST", 2)
        for n, decision in enumerate((Decision.REJECT, Decision.APPROVE, Decision.APPROVE)):
            office.decide(office.ask(n=n).asked.run_id, "ann", decision)
        assert (figures().asked, figures().share) == (2, 1.0)
        later = timezone.now() + timedelta(days=agreement.DAYS, minutes=1)
        with pipe() as p, p.operator_tx({"shop"}):
            assert agreement.of(p, {"shop"}, at=later) == []

    def test_is_for_people_who_may_see_the_project(self, office: Office) -> None:
        office.ask(n=1)
        assert Person("stranger").get("/agreement").json()["agreement"] == []

    def test_is_told_at_a_shell_before_a_promotion(self, office: Office) -> None:
        office.decide(office.ask(n=1).asked.run_id, "ann")
        told = StringIO()
        call_command("set_mode", "shop", "canary", dry_run=True, stdout=told)
        assert "shop: active -> canary (nothing was changed)" in told.getvalue()
        assert "write__shop: 100 % agreed; asked 1" in told.getvalue()
        assert office.shop.rows("awooop_projects")[0]["migration_mode"] == "active"

    def test_is_shown_beside_the_promotion(self, office: Office) -> None:
        for n, decision in enumerate((Decision.APPROVE, Decision.APPROVE, Decision.REJECT)):
            office.decide(office.ask(n=n).asked.run_id, "ann", decision)
        office.shop.go(Mode.SUGGEST)
        with tenant_tx("shop"):
            members.admit("shop", "ann", Role.ADMIN, actor="t", at=timezone.now())
        browser = Client()
        browser.force_login(Operator.objects.get(username="ann"), AUTHENTICATION)
        for path in ("/admin/projects/shop/", "/admin/projects/shop/mode/?to=canary"):
            told = browser.get(path).content.decode()
            assert "Promote" in told
            assert ("write__shop" in told, "66 %" in told) == (True, True)
