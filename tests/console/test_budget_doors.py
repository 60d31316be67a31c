"""Budgets over REST: who reads what, who sets what, and how money is spelled."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from awooop.kit.db import global_tx, tenant_tx
from awooop.ledger.limits import Limit
from awooop.ledger.models import Level, Period
from awooop.tenants import access, keys
from awooop.tenants.models import KeyScope, Role

HOME = "/v1/platform/budgets"
LIMITS = HOME + "/acme/limits"
DAILY = {"scope": "project", "period": "day", "limit_usd": "5.00"}
PATHS = ("", "/limits", "/entries")


class Script:
    """A person's program, with a token."""

    def __init__(self, made):
        now = timezone.now()
        with global_tx():
            self.token = access.issue_token(
                made, name="t", actor="t", at=now, expires_at=now + timedelta(hours=1)
            )
        self.client = Client(raise_request_exception=False)

    def ask(self, method, path, body=None):
        return getattr(self.client, method)(
            path,
            **({} if body is None else {"data": json.dumps(body)}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def get(self, path):
        return self.ask("get", path)

    def put(self, body, path=LIMITS):
        return self.ask("put", path, body)

    def delete(self, query, path=LIMITS):
        return self.ask("delete", f"{path}?{query}")


@pytest.fixture
def script(person):
    def make(**options):
        return Script(person(**options))

    return make


@pytest.fixture
def admin(tenant, script):
    return script(member_of=["acme"], role=Role.ADMIN)


@pytest.fixture
def purse(tenant, money):
    return money("acme")


def problem(answer):
    return answer.status_code, answer.json()["code"]


def walked(get, path, name):
    """Return everything on all pages."""
    found = []
    while path:
        told = get(path).json()
        found += told[name]
        path = told["next"] and told["next"].removeprefix("http://testserver")
    return found


class TestReading:
    def test_tells_a_key_of_its_own_project_in_exact_text(self, tenant, purse):
        purse.limit(period=Period.DAY, usd="5", tokens=100)
        purse.spend("0.0000000001", tokens=3)
        purse.reserve("2.5")

        (told,) = tenant.get(HOME).json()["budgets"]

        day = told["day"]
        assert (told["project_id"], told["time_zone"], told["ceiling_usd"]) == ("acme", "UTC", None)
        assert day["limit_usd"] == "5"
        assert day["spent_usd"] == "0.0000000001"
        assert day["reserved_usd"] == "2.5"
        assert day["left_usd"] == "2.4999999999"
        assert (day["left_tokens"], day["calls"]) == (97, 1)
        assert (told["month"]["limit_usd"], told["month"]["left_usd"]) == (None, None)
        assert tenant.get(HOME + "/acme").json()["month"] == told["month"]

    def test_tells_agents_days_and_alerts(self, tenant, purse):
        purse.limit(usd="2")
        purse.spend("1", agent="sre")

        told = tenant.get(HOME + "/acme").json()

        assert [(a["agent_id"], a["month"]["spent_usd"]) for a in told["agents"]] == [("sre", "1")]
        assert [d["spent_usd"] for d in told["days"]] == ["0"] * 30 + ["1"]
        assert [(a["level"], a["threshold"]) for a in told["alerts"]] == [("project", 50)]

    def test_tells_what_is_counted_against_each_limit(self, tenant, purse):
        purse.limit(Level.AGENT, Period.DAY, usd="4")
        purse.limit(Level.AGENT, Period.DAY, usd="3", agent="sre")
        purse.spend("1", agent="sre")

        each, own = tenant.get(LIMITS).json()["limits"]

        assert (each["agent_id"], each["counted"]) == ("", None)
        assert (own["limit_usd"], own["counted"]["left_usd"]) == ("3", "2")
        assert own["changed_by"] == "test"

    def test_walks_every_list_by_cursor(self, admin, new_tenant, purse, script):
        for agent in ("a:b", "c", "d"):
            purse.limit(Level.AGENT, Period.DAY, agent=agent)
            purse.spend("1", agent=agent)
        new_tenant("bravo")
        new_tenant("charlie")
        everyone = script(name="eve", platform_role=Role.VIEWER)

        limits = walked(admin.get, LIMITS + "?per_page=1", "limits")
        entries = walked(admin.get, HOME + "/acme/entries?per_page=4", "entries")
        budgets = walked(everyone.get, HOME + "?per_page=1", "budgets")

        assert [row["agent_id"] for row in limits] == ["a:b", "c", "d"]
        assert len({row["entry_id"] for row in entries}) == len(entries) == 6
        assert [row["project_id"] for row in budgets] == ["acme", "bravo", "charlie"]

    def test_lists_to_people_what_their_roles_let_them_see(self, new_tenant, script):
        new_tenant("ours")
        new_tenant("theirs")
        member = script(member_of=["ours"])

        def listed(path):
            return [row["project_id"] for row in member.get(path).json()["budgets"]]

        assert listed(HOME) == ["ours"]
        assert listed(HOME + "?project_id=ours") == ["ours"]
        assert listed(HOME + "?project_id=theirs") == []
        assert script(name="bob").get(HOME).json() == {"budgets": [], "next": None}

    @pytest.mark.parametrize("end", PATHS)
    def test_answers_alike_for_anothers_a_missing_and_an_impossible_project(
        self, new_tenant, script, end
    ):
        key = new_tenant("ours")
        new_tenant("theirs")
        for get in (key.get, script(member_of=["ours"]).get):
            answers = {
                get(f"{HOME}/{name}{end}").content for name in ("theirs", "nobody", "N%00", "x")
            }
            assert len(answers) == 1
            assert problem(get(f"{HOME}/theirs{end}")) == (404, "E-TENANT-003")

    @pytest.mark.parametrize("end", ["", "/acme", *(f"/acme{end}" for end in PATHS[1:])])
    def test_needs_a_credential_and_the_scope_runs(self, tenant, end):
        assert Client().get(HOME + end).status_code == 401
        with tenant_tx("acme"):
            _, narrow = keys.issue(
                "acme", name="n", actor="t", at=timezone.now(), scopes=[KeyScope.CHANNELS]
            )
        answer = Client().get(HOME + end, headers={"Authorization": f"Bearer {narrow}"})
        assert problem(answer) == (403, "E-AUTH-002")

    @pytest.mark.parametrize(
        "query",
        ["?what=1", "?per_page=0", "?per_page=201", "/acme?x=1", "/acme/limits?cursor=x",
         "/acme/limits?cursor=a:b:%00", "/acme/entries?cursor=1", "?project_id=%00", "?cursor=%00"],
    )  # fmt: skip
    def test_refuses_a_query_it_does_not_know(self, tenant, query):
        assert tenant.get(HOME + query).status_code == 422


class TestPut:
    def test_sets_a_limit_and_says_what_stood_there(self, admin, purse):
        purse.limit(period=Period.DAY, usd="1")

        answer = admin.put({**DAILY, "limit_tokens": 9})

        assert answer.json() == {
            "project_id": "acme", "scope": "project", "agent_id": "", "period": "day",
            "was": {"limit_usd": "1", "limit_tokens": None},
            "now": {"limit_usd": "5", "limit_tokens": 9},
        }  # fmt: skip
        assert purse.standing(period=Period.DAY) == Limit(Decimal(5), 9)
        target, actor, facts = purse.evidence()[-1]
        assert (target, actor) == ("project:day", "operator:ann")
        assert json.loads(facts)["was"] == {"usd": "1.0000000000", "tokens": None}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"limit_usd": 5}, {"limit_usd": 5.0}, {"limit_usd": "-5"}, {"limit_usd": "NaN"},
            {"limit_usd": "1e3"}, {"limit_usd": "0.00000000001"}, {"limit_usd": "9" * 11},
            {"limit_usd": "1000000001"}, {"limit_usd": None}, {"limit_tokens": "1"},
            {"limit_tokens": -1}, {"limit_tokens": 1.0}, {"limit_tokens": True},
            {"limit_tokens": 10**16}, {"period": "total"}, {"period": "year"}, {"scope": "run"},
            {"agent_id": "sre"}, {"scope": "agent", "agent_id": "a b"}, {"more": 1},
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_limit(self, admin, purse, wrong):
        answer = admin.put({**DAILY, **wrong})
        assert answer.status_code == 422, answer.content
        assert purse.evidence() == []

    def test_is_for_admins_of_the_project_only(self, tenant, new_tenant, script, purse):
        new_tenant("bravo")
        viewer = script(name="v", member_of=["acme"])
        approver = script(name="p", member_of=["acme"], role=Role.APPROVER)
        other = script(name="o", member_of=["bravo"], role=Role.ADMIN)
        for caller in (viewer, approver):
            assert problem(caller.put(DAILY)) == (403, "E-AUTH-002")
            assert problem(caller.delete("scope=project&period=day")) == (403, "E-AUTH-002")
        assert problem(other.put(DAILY)) == (404, "E-TENANT-003")
        assert problem(other.delete("scope=project&period=day")) == (404, "E-TENANT-003")
        assert purse.evidence() == []

    def test_is_not_for_keys(self, tenant, new_tenant):
        new_tenant("bravo")

        def put(project):
            return tenant.client.put(
                f"{HOME}/{project}/limits", json.dumps(DAILY), content_type="application/json",
                headers={"Authorization": f"Bearer {tenant.key}"},
            )  # fmt: skip

        assert problem(put("acme")) == (403, "E-AUTH-002")
        assert problem(put("bravo")) == problem(put("nobody")) == (404, "E-TENANT-003")

    def test_finds_no_project_that_is_not_there_for_a_platform_admin(self, script, clean):
        root = script(platform_role=Role.ADMIN)
        for name in ("nobody", "N%00"):
            assert problem(root.put(DAILY, f"{HOME}/{name}/limits")) == (404, "E-TENANT-003")

    def test_needs_the_csrf_token_from_a_session(self, tenant, signed_in, purse):
        client = signed_in(member_of=["acme"], role=Role.ADMIN, enforce_csrf_checks=True)
        answer = client.put(LIMITS, json.dumps(DAILY), content_type="application/json")
        assert answer.status_code == 403
        assert purse.evidence() == []


class TestDelete:
    def test_clears_a_limit_once_and_is_content_when_there_is_none(self, admin, purse):
        purse.limit(Level.AGENT, Period.DAY, usd="2", agent="sre")
        query = "scope=agent&period=day&agent_id=sre"

        assert admin.delete(query).json()["was"] == {"limit_usd": "2", "limit_tokens": None}
        assert admin.delete(query).json()["was"] is None

        assert purse.standing(Level.AGENT, Period.DAY, "sre") is None
        assert [target for target, _, _ in purse.evidence()] == ["agent:sre:day"] * 2

    @pytest.mark.parametrize("query", ["", "scope=project", "scope=run&period=day", "x=1"])
    def test_refuses_a_place_where_no_limit_can_stand(self, admin, query):
        assert admin.delete(query).status_code == 422
