"""The operators' REST doors of the gateway: who reads what, who does what, and what is refused."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from awooop.kit import ids
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access
from awooop.tenants.models import Role
from gateway import switches
from gateway.models import Effect, Outcome, Standing, Switch, Tool

HOME = "/v1/platform/gateway"
READS = ("/providers", "/registry", "/effects", "/switches")
AGENT = {"level": "agent", "project_id": "acme", "key": "sre-agent", "reason": "It loops."}
PIN, OTHER = "ab" * 32, "cd" * 32


class Script:
    """A person's program, with a token."""

    def __init__(self, made):
        now = timezone.now()
        with global_tx():
            self.token = access.issue_token(
                made, name="t", actor="t", at=now, expires_at=now + timedelta(hours=1)
            )
        self.client = Client(raise_request_exception=False)

    def get(self, path):
        return self.client.get(HOME + path, headers={"Authorization": f"Bearer {self.token}"})

    def post(self, path, body):
        return self.client.post(
            HOME + path, json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip


def problem(answer):
    return answer.status_code, answer.json()["code"]


def walked(script, path, name):
    """Return everything on all pages."""
    found = []
    while path:
        told = script.get(path).json()
        found += told[name]
        path = told["next"] and told["next"].partition(HOME)[2]
    return found


def place_tool(name="get_pods", project="acme", **facts):
    now = timezone.now()
    with tenant_tx(project):
        Tool.objects.create(
            project_id=project, gateway_id="observability", tool_name=name,
            standing=Standing.QUARANTINED, seen={"name": name}, seen_sha256=PIN,
            first_seen_at=now, last_seen_at=now, **facts,
        )  # fmt: skip


def place_effect(project="acme", outcome=Outcome.UNKNOWN):
    made, now = ids.new_id(), timezone.now()
    with tenant_tx(project):
        Effect.objects.create(
            project_id=project, effect_id=made, agent_id="sre-agent", actor="key:abc",
            gateway_id="observability", tool_name="restart__observability", args_sha256="0" * 64,
            action_sha256=made.hex * 2, claimed_at=now, expires_at=now,
        )  # fmt: skip
        if outcome != Outcome.CLAIMED:
            Effect.objects.filter(effect_id=made).update(outcome=outcome, resolved_by="reaper")
    return str(made)


@pytest.fixture(autouse=True)
def short_permits(monkeypatch):
    monkeypatch.setattr(switches, "PERMIT_SECONDS", 0)


@pytest.fixture
def script(person):
    def make(role=Role.ADMIN, name="ann", **options):
        return Script(person(name=name, **{"member_of": ["acme"], "role": role, **options}))

    return make


class TestReading:
    def test_is_for_people_and_not_for_agents_keys(self, tenant):
        for path in READS:
            assert problem(tenant.get(HOME + path)) == (403, "E-AUTH-002")
            assert Client().get(HOME + path).status_code == 401
        assert problem(tenant.post(f"{HOME}/switches", AGENT)) == (403, "E-AUTH-002")

    def test_shows_ones_own_projects_only(self, new_tenant, script):
        for project in ("acme", "bravo"):
            new_tenant(project)
            place_tool(project=project)
            place_effect(project)
            switches.throw(switches.Level.PROJECT, project_id=project, reason="why", actor="t",
                           at=timezone.now())  # fmt: skip
        mine, names = script(Role.VIEWER), ("providers", "tools", "effects", "thrown")
        everyone = script(name="eve", member_of=[], platform_role=Role.VIEWER)
        for path, name in zip(READS, names, strict=True):
            assert {row["project_id"] for row in mine.get(path).json()[name]} == {"acme"}
            assert mine.get(f"{path}?project_id=bravo").json()[name] == []
            found = everyone.get(f"{path}?project_id=bravo").json()[name]
            assert {row["project_id"] for row in found} == {"bravo"}

    def test_pages_by_key_and_refuses_what_is_no_query(self, tenant, script):
        made = [f"tool{number}" for number in range(5)]
        for name in made:
            place_tool(name)
        effects = [place_effect() for _ in range(5)]
        mine = script(Role.VIEWER)
        found = walked(mine, "/registry?per_page=2&standing=quarantined", "tools")
        assert [row["tool_name"] for row in found] == made
        found = walked(mine, "/effects?per_page=2&outcome=open", "effects")
        assert [row["effect_id"] for row in found] == effects[::-1]
        assert len(walked(mine, "/providers?per_page=1", "providers")) == 1
        assert mine.get("/effects?outcome=executed").json()["effects"] == []
        for query in ("per_page=0", "per_page=201", "cursor=%00", "none=1", "project_id=A"):
            for path in READS[:3]:
                assert problem(mine.get(f"{path}?{query}")) == (422, "E-REQ-002"), (path, query)


class TestTools:
    def test_are_released_by_the_definition_that_was_read(self, tenant, script):
        place_tool()
        mine, here = script(), "/registry/observability/get_pods"
        body = {"project_id": "acme", "pin_sha256": OTHER}
        assert problem(mine.post(f"{here}/release", body)) == (409, "E-MCP-TOOL-002")
        told = mine.post(f"{here}/release", {**body, "pin_sha256": PIN}).json()
        assert (told["standing"], told["pin_sha256"]) == ("released", PIN)
        assert told["released_by"] == "operator:ann"
        told = mine.post(f"{here}/suspend", {"project_id": "acme"}).json()
        assert told["standing"] == "suspended"

    def test_are_left_alone_by_whoever_is_no_admin(self, new_tenant, script):
        new_tenant("acme")
        new_tenant("bravo")
        place_tool()
        for role in (Role.VIEWER, Role.APPROVER):
            other = script(role, name=role.value)
            for act in ("registry/observability/get_pods/release",
                        "registry/observability/get_pods/suspend",
                        "providers/observability/refresh"):  # fmt: skip
                body = {"project_id": "acme"} | ({"pin_sha256": PIN} if "release" in act else {})
                assert problem(other.post(f"/{act}", body)) == (403, "E-AUTH-002")
                body["project_id"] = "bravo"
                assert problem(other.post(f"/{act}", body)) == (404, "E-TENANT-003")
        with tenant_tx("acme"):
            assert Tool.objects.get().standing == Standing.QUARANTINED

    def test_that_are_not_there_are_missing(self, tenant, script):
        mine, body = script(), {"project_id": "acme", "pin_sha256": PIN}
        answer = mine.post("/registry/observability/none/release", body)
        assert problem(answer) == (404, "E-MCP-TOOL-001")
        answer = mine.post("/providers/none/refresh", {"project_id": "acme"})
        assert problem(answer) == (404, "E-MCP-TOOL-001")
        body["pin_sha256"] = "x"
        answer = mine.post("/registry/observability/none/release", body)
        assert problem(answer) == (422, "E-REQ-002")


class TestEffects:
    def test_are_resolved_once_by_an_approver(self, tenant, script):
        made = place_effect()
        mine, here = script(Role.APPROVER), f"/effects/{made}/resolve"
        body = {"project_id": "acme", "outcome": "executed", "note": "Seen."}
        for wrong in ({"note": " "}, {"outcome": "unknown"}, {"outcome": "claimed"}):
            assert problem(mine.post(here, {**body, **wrong})) == (422, "E-REQ-002")
        told = mine.post(here, body).json()
        assert (told["outcome"], told["note"]) == ("executed", "Seen.")
        assert problem(mine.post(here, body)) == (404, "E-MCP-EFFECT-002")

    def test_are_left_alone_by_viewers_and_by_others(self, new_tenant, script):
        new_tenant("acme")
        new_tenant("bravo")
        made, theirs = place_effect(), place_effect("bravo")
        body = {"project_id": "acme", "outcome": "error", "note": "no"}
        viewer, mine = script(Role.VIEWER), script(Role.APPROVER, name="zoe")
        assert problem(viewer.post(f"/effects/{made}/resolve", body)) == (403, "E-AUTH-002")
        for project in ("acme", "bravo"):
            answer = mine.post(f"/effects/{theirs}/resolve", {**body, "project_id": project})
            assert problem(answer) == (404, "E-MCP-EFFECT-002")


class TestSwitches:
    def test_are_thrown_and_lifted(self, tenant, script):
        mine = script()
        answer = mine.post("/switches", AGENT)
        told = answer.json()
        assert answer.status_code == 201
        assert (told["level"], told["key"], told["lifted_at"]) == ("agent", "sre-agent", None)
        assert [row["switch_id"] for row in mine.get("/switches").json()["thrown"]] == [
            told["switch_id"]
        ]
        here = f"/switches/{told['switch_id']}/lift"
        assert mine.post(here, {"project_id": "acme"}).json()["lifted_by"] == "operator:ann"
        assert problem(mine.post(here, {"project_id": "acme"})) == (404, "E-MCP-KILL-002")
        assert len(mine.get("/switches").json()["lifted"]) == 1

    def test_are_refused_by_role_and_shape(self, new_tenant, script):
        new_tenant("acme")
        new_tenant("bravo")
        mine, viewer = script(Role.APPROVER), script(Role.VIEWER, name="vic")
        platform = {"level": "platform", "reason": "Incident."}
        assert problem(viewer.post("/switches", AGENT)) == (403, "E-AUTH-002")
        assert problem(mine.post("/switches", platform)) == (403, "E-AUTH-002")
        theirs = {**AGENT, "project_id": "bravo"}
        assert problem(mine.post("/switches", theirs)) == (404, "E-TENANT-003")
        for change in ({"key": ""}, {"level": "project"}, {"level": "platform"}, {"reason": " "}):
            assert problem(mine.post("/switches", {**AGENT, **change})) == (422, "E-REQ-002")
        made = mine.post("/switches", AGENT).json()["switch_id"]
        lift = f"/switches/{made}/lift"
        assert problem(mine.post(lift, {"project_id": "acme"})) == (403, "E-AUTH-002")
        with tenant_tx("acme"):
            assert Switch.objects.get().switch_id == UUID(made)

    def test_of_the_platform_have_no_project(self, tenant, script):
        chief = script(member_of=[], platform_role=Role.ADMIN)
        told = chief.post("/switches", {"level": "platform", "reason": "Incident."}).json()
        assert told["project_id"] is None
        assert chief.post(f"/switches/{told['switch_id']}/lift", {}).status_code == 200
        assert problem(chief.post(f"/switches/{uuid4()}/lift", {})) == (404, "E-MCP-KILL-002")

    def test_need_the_token_of_the_session(self, tenant, signed_in):
        client = signed_in(platform_role=Role.ADMIN, enforce_csrf_checks=True)
        answer = client.post(f"{HOME}/switches", json.dumps(AGENT), content_type="application/json")
        assert problem(answer) == (403, "E-AUTH-003")


class TestDescription:
    def test_names_every_door_with_an_example_of_each_body(self, client):
        paths = client.get("/api/schema/?format=json").json()["paths"]
        ours = {path: doors for path, doors in paths.items() if path.startswith(f"{HOME}/")}
        assert len([path for path in ours if "call" not in path]) >= 9
        for path, doors in ours.items():
            body = doors.get("post", {}).get("requestBody")
            assert body is None or "examples" in body["content"]["application/json"], path
