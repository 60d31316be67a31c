"""The REST doors of approvals: who decides, what it answers, and how soon the run goes on."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.test import Client
from django.utils import timezone

from approvals.decisions import Decision
from awooop.errors import Code
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access, members
from awooop.tenants.models import Operator, Role
from contracts.models import Family
from runs import leases, worker
from tests.approvals.conftest import ASKING, Office
from tests.conftest import NewTenant
from tests.gateway import agents
from tests.gateway.upstreams.good import Upstream

HOME = "/v1/platform/approvals"
TWO = {"rules": [{"name": "risky", "decision": "needs_approval", "risk": "high"}]}


class Person:
    """Somebody with an operator's token."""

    def __init__(self, name: str) -> None:
        now = timezone.now()
        with global_tx():
            who, _ = Operator.objects.get_or_create(username=name)
            self.token = access.issue_token(
                who, name="t", actor="t", at=now, expires_at=now + timedelta(hours=1)
            )
        self.client = Client(raise_request_exception=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str = "", **query: Any) -> Any:
        return self.client.get(f"{HOME}{path}", query, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(
            f"{HOME}{path}", body, content_type="application/json", headers=self.headers
        )

    def decide(self, identity: Any, decision: str = "approve", **body: Any) -> Any:
        return self.post(f"/{identity}/decide", decision=decision, **body)


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestDecide:
    def test_answers_with_the_state_and_the_tokens_jti(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        answer = Person("ann").decide(asked.run_id, reason="seen")
        approval = office.approval(asked.approval_id)
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "run_id": str(asked.run_id),
                "decision": "approve",
                "new_state": "running",
                "approval_token_jti": approval.ticket_id,
                "approval_id": str(asked.approval_id),
                "votes": 1,
                "needed": 1,
            },
        )
        assert (approval.decided_by, approval.reason) == ("operator:ann", "seen")

    def test_a_yes_leads_to_the_call_without_the_reaper(
        self, office: Office, upstream: Upstream
    ) -> None:
        asked = office.ask(n=1).asked
        Person("ann").decide(asked.approval_id)
        assert worker.drain(worker="w") == 1
        assert [dict(seen.arguments) for seen in upstream.calls] == [{"n": 1}]
        assert office.run(asked.run_id)["state"] == "completed"

    def test_a_no_cancels_the_run(self, office: Office, upstream: Upstream) -> None:
        asked = office.ask(n=1).asked
        told = Person("ann").decide(asked.run_id, "reject", reason="not now").json()
        assert (told["new_state"], told["approval_token_jti"]) == ("cancelled", None)
        assert worker.drain(worker="w") == 0
        assert upstream.calls == []

    def test_waits_for_as_many_people_as_the_risk_asks(self, office: Office) -> None:
        office.shop.sign({**ASKING, "approval": TWO})
        asked = office.ask(n=1).asked
        first = Person("ann").decide(asked.run_id).json()
        assert (first["new_state"], first["votes"], first["needed"]) == ("waiting_approval", 1, 2)
        assert first["approval_token_jti"] is None
        assert worker.drain(worker="w") == 0
        assert problem(Person("ann").decide(asked.run_id)) == (409, Code.APPROVAL_VOTED.value)
        assert Person("bob").decide(asked.run_id).json()["new_state"] == "running"

    def test_what_waits_for_nobody_is_a_conflict_that_names_the_state(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        office.decide(asked.run_id, "ann", Decision.REJECT)
        late = Person("bob").decide(asked.run_id)
        assert problem(late) == (409, Code.APPROVAL_DECIDED.value)
        assert late.json()["state"] == "cancelled"

    def test_others_objects_look_like_missing_ones(
        self, office: Office, new_tenant: NewTenant
    ) -> None:
        new_tenant("other")
        asked = office.ask(n=1).asked
        stranger = Person("stranger")
        with tenant_tx("other"):
            members.admit("other", "stranger", Role.ADMIN, actor="t", at=timezone.now())
        seen = [stranger.decide(each) for each in (asked.run_id, asked.approval_id, uuid4())]
        assert {problem(answer) for answer in seen} == {(404, Code.APPROVAL_UNKNOWN.value)}
        assert problem(stranger.get(f"/{asked.approval_id}")) == (404, Code.APPROVAL_UNKNOWN.value)
        assert stranger.get().json()["approvals"] == []

    def test_takes_only_what_is_spelled_right(self, office: Office) -> None:
        ann, run_id = Person("ann"), office.ask(n=1).asked.run_id
        assert ann.decide("not-an-id").status_code == 422
        assert ann.decide(run_id, "maybe").status_code == 422
        assert ann.decide(run_id, reason="x" * 501).status_code == 422
        assert ann.decide(run_id, approver="operator:bob").status_code == 422
        assert office.run(run_id)["state"] == "waiting_approval"

    def test_takes_an_approver_and_never_a_key(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        vic = Person("vic")
        with tenant_tx("shop"):
            members.admit("shop", "vic", Role.VIEWER, actor="t", at=timezone.now())
        assert problem(vic.decide(asked.run_id)) == (403, Code.AUTH_FORBIDDEN.value)
        vic.token = agents.issue("shop")
        assert problem(vic.decide(asked.run_id)) == (403, Code.AUTH_FORBIDDEN.value)
        assert problem(vic.get()) == (403, Code.AUTH_FORBIDDEN.value)
        vic.token = "awo.forged"
        assert vic.decide(asked.run_id).status_code == 401
        assert office.shop.rows("awooop_approval_vote") == []

    def test_nobody_decides_on_their_own_request(self, office: Office) -> None:
        made = office.ask(n=1).asked
        edited = Person("ann").post(f"/{made.approval_id}/edit", arguments={"n": 2})
        assert edited.status_code == 201
        own = Person("ann").decide(edited.json()["approval_id"])
        assert problem(own) == (403, Code.APPROVAL_OWN.value)

    def test_a_session_needs_its_csrf_token(self, office: Office) -> None:
        run_id = office.ask(n=1).asked.run_id
        browser = Client(enforce_csrf_checks=True)
        ann = Operator.objects.get(username="ann")
        browser.force_login(ann, settings.AUTHENTICATION_BACKENDS[-1])
        body, path = json.dumps({"decision": "approve"}), f"{HOME}/{run_id}/decide"
        bare = browser.post(path, body, content_type="application/json")
        assert problem(bare) == (403, Code.AUTH_CSRF.value)
        browser.get("/admin/")
        token = browser.cookies["csrftoken"].value
        sent = {"X-CSRFToken": token}
        assert (
            browser.post(path, body, content_type="application/json", headers=sent).status_code
            == 200
        )


class TestList:
    def test_comes_waiting_first_and_oldest_first_in_pages(self, office: Office) -> None:
        asked = [str(office.ask(n=n).asked.approval_id) for n in range(5)]
        for each in (asked[0], asked[2]):
            office.decide(each, "ann", Decision.REJECT)
        ann, seen, address = Person("ann"), [], f"{HOME}?per_page=2"
        while address:
            page = ann.client.get(address, headers=ann.headers).json()
            seen += [each["approval_id"] for each in page["approvals"]]
            address = page["next"]
        assert seen == [asked[1], asked[3], asked[4], asked[0], asked[2]]

    def test_narrows_by_every_filter(self, office: Office) -> None:
        asked = [str(office.ask(n=n).asked.approval_id) for n in range(2)]
        office.decide(asked[0], "ann", Decision.REJECT)
        ann = Person("ann")

        def seen(**query: Any) -> list[str]:
            return [each["approval_id"] for each in ann.get(**query).json()["approvals"]]

        agent = office.shop.agent_id
        assert seen(project_id="shop") == [asked[1], asked[0]]
        assert seen(standing="rejected", agent_id=agent, risk="medium") == [asked[0]]
        assert seen(standing="pending") == [asked[1]]
        assert [seen(risk="high"), seen(agent_id="b"), seen(project_id="other")] == [[], [], []]
        for query in ({"per_page": 201}, {"cursor": "x"}, {"standing": "maybe"}, {"who": "me"}):
            assert ann.get(**query).status_code == 422


class TestOne:
    def test_tells_votes_and_what_became_of_it(self, office: Office, upstream: Upstream) -> None:
        asked = office.ask(n=1).asked
        ann = Person("ann")
        ann.decide(asked.run_id, reason="seen")
        worker.drain(worker="w")
        told = ann.get(f"/{asked.run_id}").json()
        assert told == ann.get(f"/{asked.approval_id}").json()
        (vote,) = told["signatures"]
        assert (vote["signer"], vote["is_yes"], vote["comment"]) == ("operator:ann", True, "seen")
        assert (told["disposition"], told["result"]["status"]) == ("approved-executed", "success")
        assert told["blast_radius"]["scope"] == "write"
        assert problem(ann.get("/x"))[0] == 422


class TestOwn:
    """``/v1/platform/gateway/approvals/{approval_id}``"""

    def test_an_agent_sees_its_own_and_nobody_elses(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        path = f"/v1/platform/gateway/approvals/{asked.approval_id}"

        def look(key: str, **query: str) -> Any:
            return Client().get(path, query, headers={"Authorization": f"Bearer {key}"})

        told = look(agents.issue("shop", agent_id=office.shop.agent_id)).json()
        assert (told["standing"], told["disposition"]) == ("pending", None)
        office.shop.install(Family.AGENT, "second", {"agent_id": "second", "tools": []})
        other = look(agents.issue("shop", agent_id="second"))
        assert problem(other) == (404, Code.APPROVAL_UNKNOWN.value)
        assert look(agents.issue("shop", scopes=["runs"])).status_code == 403
        assert look(agents.issue("shop"), agent_id=office.shop.agent_id).status_code == 200


class TestRequeue:
    def test_takes_up_only_what_nobody_holds(self, office: Office) -> None:
        asked = office.ask(n=1).asked
        assert not leases.requeue("shop", asked.run_id)
        office.decide(asked.run_id, "ann")
        assert leases.requeue("shop", asked.run_id)
        assert not leases.requeue("shop", asked.run_id)
        (held,) = leases.claim(worker="w", batch=1)
        assert held.run_id == asked.run_id
        assert not leases.requeue("shop", asked.run_id)

    def test_a_yes_uses_up_no_attempt(self, office: Office, upstream: Upstream) -> None:
        wakes = (lambda run_id: leases.requeue("shop", run_id), lambda _: worker.reap())
        for n, wake in enumerate(wakes):
            asked = office.ask(n=n).asked
            before = office.run(asked.run_id)["attempt_count"]
            office.decide(asked.run_id, "ann")
            wake(asked.run_id)
            worker.drain(worker="w")
            run = office.run(asked.run_id)
            assert (run["state"], run["attempt_count"]) == ("completed", before)
        assert len(upstream.calls) == 2
