"""Requests that nobody could mean: each is refused in the asker's form, and nothing fails."""

import json
from uuid import uuid4

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from awooop.kit.db import tenant_tx
from awooop.tenants.models import Operator, Role
from gateway.models import Standing, Tool

HOME = "/v1/platform"
LISTS = (
    *("runs", "contracts", "approvals", "approvals/agreement", "budgets", "incidents"),
    *("operations", "playbooks", "knowledge", "gateway/calls", "gateway/providers"),
    *("gateway/registry", "gateway/effects", "gateway/switches"),
)
PIN = "ab" * 32


@pytest.fixture
def admin(tenant, signed_in):
    return signed_in(platform_role=Role.ADMIN)


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def post(client, path, **body):
    return client.post(f"{HOME}/{path}", json.dumps(body), content_type="application/json")


class TestQueries:
    @pytest.mark.parametrize("name", LISTS)
    def test_with_a_nul_are_refused_before_a_row_is_looked_for(self, admin, name):
        for query in ("project_id=%00", "agent_id=a%00b", "tool=%00", "contract_id=%00", "%00=1"):
            assert problem(admin.get(f"{HOME}/{name}?{query}")) == (422, "E-REQ-002"), query

    @pytest.mark.parametrize(
        "path", [f"{HOME}/runs", f"{HOME}/gateway/calls", "/api/schema/", "/api/docs/"]
    )
    def test_of_a_thousand_fields_are_refused(self, admin, path):
        assert problem(admin.get(f"{path}?{'a=1&' * 1_500}")) == (422, "E-REQ-002")

    @pytest.mark.parametrize("version", ["%00", "%0d%0aX-Own:%201", "1%22;x=%22"])
    def test_put_nothing_into_the_headers_of_the_description(self, client, version):
        answer = client.get(f"/api/schema/?version={version}")

        assert answer.status_code == 200
        assert answer["Content-Disposition"] == 'inline; filename="AwoooP.yaml"'


class TestPaths:
    @pytest.mark.parametrize("name", ["%00", "a%00b"])
    def test_with_a_nul_name_no_tool_and_no_provider(self, admin, name):
        asked = {"project_id": "acme"}
        for path, body in {
            f"providers/{name}/refresh": asked,
            f"registry/{name}/get_pods/release": {**asked, "pin_sha256": PIN},
            f"registry/cluster/{name}/release": {**asked, "pin_sha256": PIN},
            f"registry/cluster/{name}/suspend": asked,
        }.items():
            assert problem(post(admin, f"gateway/{path}", **body)) == (404, "E-MCP-TOOL-001"), path

    def test_with_a_nul_are_pages_that_are_not_there(self, admin):
        for path in ("gateways/acme/%00/", "calls/a%00b/x/", f"incidents/%00/{uuid4()}/"):
            assert admin.get(f"/admin/{path}").status_code == 404, path


class TestHosts:
    def test_that_are_not_ours_are_refused_in_the_askers_form(self, client):
        for host in ("evil.example", "[::1", "a b", ""):
            answer = client.get(f"{HOME}/runs", headers={"Host": host})
            assert problem(answer) == (400, "E-REQ-009"), host
        answer = client.get("/admin/login/", headers={"Host": "evil.example"})
        assert (answer.status_code, answer["Content-Type"][:9]) == (400, "text/html")


class TestForms:
    @pytest.mark.parametrize("charset", ["utf-16", "hex", "unicode_escape", "nonsense"])
    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/x-www-form-urlencoded", b"reason=a"),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="reason"\r\n\r\n\\ud800\r\n--x--\r\n',
            ),
        ],
    )
    def test_are_read_as_utf8_whatever_they_say(self, clean, charset, kind, body):
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        client.cookies["csrftoken"] = "a" * 32
        kind = f"{kind}; charset={charset}"
        answer = client.generic("POST", "/admin/login/", body, content_type=kind)

        assert answer.status_code == 403

    def test_of_accounts_show_their_faults(self, admin):
        me, home = Operator.objects.get(), "/admin/tenants/operator/"
        for path in (f"{home}add/", f"{home}{me.pk}/change/", f"{home}{me.pk}/password/"):
            answer = admin.post(path, {"username": "a\x00b", "password1": "x", "password2": "y"})
            assert answer.status_code == 200, path
            assert "errorlist" in answer.content.decode() or "errornote" in answer.content.decode()


class TestProjects:
    def test_that_do_not_exist_are_missing_even_for_those_who_may_do_all(self, admin):
        body = {"agent_id": "helper", "tools": []}
        agent = {"contract_family": "agent", "contract_id": "helper", "body": body}
        answer = post(admin, "contracts", project_id="nowhere", **agent)
        assert problem(answer) == (404, "E-TENANT-003")
        answer = post(admin, "gateway/switches", level="project", project_id="nowhere", reason="x")
        assert problem(answer) == (404, "E-TENANT-003")

    def test_that_do_not_exist_have_no_switch_on_the_console(self, admin):
        form = {"level": "project", "project": "nowhere", "key": "", "reason": "x"}
        asked = admin.post("/admin/switches/throw/", form)
        seal = asked.content.decode().partition('name="confirmed" value="')[2].partition('"')[0]
        assert seal
        answer = admin.post("/admin/switches/throw/", {**form, "confirmed": seal})
        assert answer.status_code == 404


class TestDescription:
    def test_tells_each_standing_by_its_own_name(self, tenant, admin):
        now = timezone.now()
        with tenant_tx("acme"):
            Tool.objects.create(
                project_id="acme", gateway_id="observability", tool_name="get_pods",
                standing=Standing.QUARANTINED, seen={"name": "get_pods"}, seen_sha256=PIN,
                first_seen_at=now, last_seen_at=now,
            )  # fmt: skip
        described = admin.get("/api/schema/?format=json").json()
        told = admin.get(f"{HOME}/gateway/registry").json()

        door = described["paths"][f"{HOME}/gateway/registry"]["get"]["responses"]["200"]
        ((_, content),) = door["content"].items()
        jsonschema.validate(told, {**content["schema"], "components": described["components"]})

    def test_tells_entries_of_the_ledger_from_those_of_the_knowledge(self, client):
        described = client.get("/api/schema/?format=json").json()
        fields = {}
        for path, name in (("budgets/{project_id}/entries", "entries"), ("knowledge", "knowledge")):
            door = described["paths"][f"{HOME}/{path}"]["get"]["responses"]["200"]
            part = door["content"]["application/json"]["schema"]
            for step in (("properties", name, "items"), ("properties",)):
                part = described["components"]["schemas"][part["$ref"].rpartition("/")[2]]
                for key in step:
                    part = part[key]
            fields[name] = part.keys()

        assert "reservation_id" in fields["entries"]
        assert "did_not_work" in fields["knowledge"]

    def test_is_drawn_once_however_often_it_is_asked_for(self, client, monkeypatch):
        first = client.get("/api/schema/?format=json").content
        monkeypatch.setattr(SchemaGenerator, "parse", pytest.fail)

        assert client.get("/api/schema/?format=json&x=1").content == first

    def test_tells_each_problem_of_each_door(self, client):
        described = client.get("/api/schema/?format=json").json()
        problems = {"401", "403", "404", "409", "422", "429", "503", "default"}
        for path, verbs in described["paths"].items():
            for verb, told in verbs.items():
                assert problems <= set(told["responses"]), (path, verb)
