"""The doors of runs, as an agent developer and an operator meet them."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from awooop.kit import ids
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access, keys
from awooop.tenants.models import ApiKey, Member, Operator, Project, Role
from awooop.tenants.modes import Mode
from runs import worker
from runs.models import Run

RUNS = "/v1/platform/runs"


def new_run(tenant, **changes):
    return tenant.post(RUNS, {"agent_id": tenant.agent_id, "input": {"q": 1}, **changes})


def person(name="ann", platform_role="", member_of=(), role=Role.VIEWER):
    with global_tx():
        made = Operator.objects.create_user(name, password=None, platform_role=platform_role)
    for project_id in member_of:
        with tenant_tx(project_id):
            Member.objects.create(
                project_id=project_id, operator=made, role=role, created_at=timezone.now()
            )
    return made


def signed_in(made):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(made, backend="django.contrib.auth.backends.ModelBackend")
    return client


class TestCreate:
    def test_answers_201_for_a_new_run_and_200_for_the_same_event(self, tenant):
        first = new_run(tenant, provider_event_id="e")
        second = new_run(tenant, provider_event_id="e")

        assert (first.status_code, second.status_code) == (201, 200)
        assert set(first.json()) == {"run_id", "is_duplicate", "state", "is_shadow", "trace_id"}
        assert UUID(first.json()["run_id"]).version == 7
        assert second.json()["run_id"] == first.json()["run_id"]
        assert second.json()["is_duplicate"] is True

    def test_answers_409_when_an_event_id_comes_with_another_input(self, tenant):
        new_run(tenant, provider_event_id="e")
        answer = new_run(tenant, provider_event_id="e", input={"q": 2})

        assert (answer.status_code, answer.json()["code"]) == (409, "E-RUN-004")

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ("{", 400, "E-REQ-001"),
            ("[1]", 422, "E-REQ-002"),
            ("null", 422, "E-REQ-002"),
            ('{"agent_id": "a", "surprise": 1}', 422, "E-REQ-002"),
            ('{"agent_id": ""}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "input": "text"}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "input": {"a": NaN}}', 400, "E-REQ-001"),
            ('{"agent_id": "a", "input": {"a": 1e999}}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "input": {"a": "\\u0000"}}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "input": {"a": "\\ud800"}}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "timeout_seconds": 0}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "trigger_type": "retry"}', 422, "E-REQ-002"),
            ('{"agent_id": "a", "input": ' + '{"a":' * 5000 + "1" + "}" * 5001, 400, "E-REQ-001"),
            ('{"agent_id": "a", "input": ' + '{"a":' * 90 + "1" + "}" * 91, 422, "E-REQ-002"),
            ('{"agent_id": "nobody"}', 422, "E-CONTRACT-001"),
            ('{"agent_id": "sre-agent", "input": {"n": 9007199254740993}}', 422, "E-REQ-002"),
        ],
    )
    def test_answers_bad_input_with_its_code_and_makes_no_run(self, tenant, body, status, code):
        answer = tenant.post(RUNS, body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"
        assert "Traceback" not in answer.content.decode()
        with tenant_tx("acme"):
            assert not Run.objects.exists()

    def test_answers_413_to_a_body_over_a_mebibyte(self, tenant):
        answer = new_run(tenant, input={"a": "x" * 1_100_000})

        assert (answer.status_code, answer.json()["code"]) == (413, "E-REQ-003")

    def test_answers_415_to_a_form(self, tenant):
        answer = tenant.client.post(
            RUNS, {"agent_id": "a"}, headers={"Authorization": f"Bearer {tenant.key}"}
        )

        assert (answer.status_code, answer.json()["code"]) == (415, "E-REQ-006")

    def test_answers_429_with_retry_after_when_asked_too_often(self, tenant, settings):
        settings.THROTTLE_KEY_PER_MINUTE = 3
        answers = [new_run(tenant) for _ in range(5)]

        assert answers[-1].status_code == 429
        assert 0 < int(answers[-1]["Retry-After"]) <= 60

    @pytest.mark.parametrize(
        "credential",
        ["", "Bearer", "Bearer x", "Bearer awp.acme.short", "Bearer awp.acme." + "a" * 43,
         "Bearer awp.nobody." + "a" * 43, "Basic abc", "Bearer awo.x", "Bearer awp.acme.\u00e9"],
    )  # fmt: skip
    def test_answers_401_alike_to_every_wrong_credential(self, tenant, credential):
        answer = tenant.client.post(
            RUNS, "{}", content_type="application/json", headers={"Authorization": credential}
        )

        assert (answer.status_code, answer.json()["code"]) == (401, "E-AUTH-001")

    def test_refuses_a_revoked_key_at_once(self, tenant):
        with tenant_tx("acme"):
            keys.revoke(ApiKey.objects.get().id, actor="t", at=timezone.now())

        assert new_run(tenant).status_code == 401

    def test_accepts_both_keys_while_one_is_rotated(self, tenant):
        with tenant_tx("acme"):
            old = ApiKey.objects.get()
            _, new = keys.rotate(
                old.id,
                actor="t",
                at=timezone.now(),
                old_ends_at=timezone.now() + timedelta(minutes=5),
            )
        new_caller = type(tenant)(tenant.project_id, tenant.agent_id, new, tenant.client)

        assert new_run(tenant).status_code == new_run(new_caller).status_code == 201

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"is_active": False}, "E-TENANT-002"),
            ({"migration_mode": Mode.LEGACY}, "E-TENANT-001"),
        ],
    )
    def test_refuses_a_project_that_may_not_work(self, tenant, change, code):
        with tenant_tx("acme"):
            Project.objects.update(**change)
        answer = new_run(tenant)

        assert (answer.status_code, answer.json()["code"]) == (403, code)

    def test_refuses_another_project_id_in_the_body(self, tenant, new_tenant):
        new_tenant("globex")

        assert new_run(tenant, project_id="globex").status_code == 403

    def test_retries_an_ended_run_with_its_input(self, tenant):
        parent = new_run(tenant).json()["run_id"]
        early = tenant.post(
            RUNS,
            {"agent_id": tenant.agent_id, "trigger_type": "retry", "parent_run_id": parent},
        )
        worker.drain(worker="w")
        answer = tenant.post(
            RUNS,
            {"agent_id": tenant.agent_id, "trigger_type": "retry", "parent_run_id": parent},
        )

        assert (early.status_code, early.json()["code"]) == (422, "E-RUN-008")
        assert answer.status_code == 201
        with tenant_tx("acme"):
            child = Run.objects.get(run_id=answer.json()["run_id"])
        assert str(child.parent_run_id) == parent
        assert child.input == {"q": 1}


class TestList:
    def test_visits_every_run_once_newest_first(self, tenant):
        made = [new_run(tenant).json()["run_id"] for _ in range(7)]
        seen, path, query = [], RUNS, {"per_page": 3}
        while path:
            page = tenant.get(path, query).json()
            seen += [run["run_id"] for run in page["runs"]]
            path, query = page["next"], None

        assert seen == list(reversed(made))

    def test_counts_what_matches(self, tenant):
        new_run(tenant)
        page = tenant.get(RUNS, {"state": "pending"}).json()

        assert (page["total"], page["total_is_exact"]) == (1, True)
        assert tenant.get(RUNS, {"state": "failed"}).json()["runs"] == []

    @pytest.mark.parametrize(
        "query",
        [
            {"state": "odd"},
            {"per_page": "0"},
            {"per_page": "201"},
            {"per_page": "x"},
            {"cursor": "x"},
            {"since": "yesterday"},
            {"since": "2026-01-01"},
            {"is_shadow": "perhaps"},
            {"order": "asc"},
        ],
    )
    def test_answers_422_to_a_query_it_does_not_know(self, tenant, query):
        answer = tenant.get(RUNS, query)

        assert (answer.status_code, answer.json()["code"]) == (422, "E-REQ-002")

    def test_shows_a_key_its_own_project_only(self, tenant, new_tenant):
        other = new_tenant("globex")
        new_run(other)

        assert tenant.get(RUNS).json()["runs"] == []
        assert tenant.get(RUNS, {"project_id": "globex"}).json()["runs"] == []

    def test_shows_a_member_the_projects_they_belong_to(self, tenant, new_tenant):
        new_run(new_tenant("globex"))
        new_run(tenant)
        client = signed_in(person(member_of=["acme"]))

        shown = client.get(RUNS).json()["runs"]
        assert {run["project_id"] for run in shown} == {"acme"}

    def test_shows_a_platform_operator_everything(self, tenant, new_tenant):
        new_run(new_tenant("globex"))
        new_run(tenant)
        client = signed_in(person(platform_role=Role.VIEWER))

        shown = client.get(RUNS).json()["runs"]
        assert {run["project_id"] for run in shown} == {"acme", "globex"}

    def test_shows_a_stranger_nothing(self, tenant):
        new_run(tenant)

        assert signed_in(person()).get(RUNS).json()["runs"] == []


class TestRead:
    def test_tells_where_a_run_stands(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        worker.drain(worker="w")
        told = tenant.get(f"{RUNS}/{run_id}").json()

        assert set(told) == {
            "run_id", "project_id", "agent_id", "state", "is_shadow", "trace_id", "attempt_count",
            "cost_usd", "step_count", "error_code", "created_at", "started_at", "completed_at",
        }  # fmt: skip
        assert (told["state"], told["step_count"]) == ("completed", 6)

    def test_makes_anothers_run_look_like_a_missing_one(self, tenant, new_tenant):
        theirs = new_run(new_tenant("globex")).json()["run_id"]
        for tail in ("", "/detail"):
            other = tenant.get(f"{RUNS}/{theirs}{tail}")
            missing = tenant.get(f"{RUNS}/{ids.new_id()}{tail}")

            assert other.status_code == missing.status_code == 404
            assert other.content == missing.content

    @pytest.mark.parametrize("run_id", ["x", "%00", "0" * 32, "{" + "0" * 8 + "}"])
    def test_answers_422_to_what_is_no_uuid(self, tenant, run_id):
        assert tenant.get(f"{RUNS}/{run_id}").status_code == 422

    def test_accepts_an_operators_token(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        now = timezone.now()
        made = person(platform_role=Role.VIEWER)
        with global_tx():
            token = access.issue_token(
                made, name="script", actor="t", at=now, expires_at=now + timedelta(hours=1)
            )
        answer = Client().get(f"{RUNS}/{run_id}", headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 200


class TestDetail:
    def test_shows_the_whole_story_in_order(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        worker.drain(worker="w")
        told = tenant.get(f"{RUNS}/{run_id}/detail").json()

        kinds = [item["kind"] for item in told["timeline"]]
        assert kinds == ["run", "run", *["step"] * 6, "run"]
        assert [item["ts"] for item in told["timeline"]] == sorted(
            item["ts"] for item in told["timeline"]
        )
        assert set(told["timeline"][0]) == {"ts", "kind", "title", "status", "summary", "metadata"}
        assert told["counts"]["steps"] == 6


class TestCancel:
    def test_ends_a_waiting_run_and_says_who_did_it(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        answer = tenant.post(f"{RUNS}/{run_id}/cancel", {"reason": "mistake"})

        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert worker.drain(worker="w") == 0

    def test_answers_409_naming_the_state_of_an_ended_run(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        worker.drain(worker="w")
        answer = tenant.post(f"{RUNS}/{run_id}/cancel", {})

        assert (answer.status_code, answer.json()["state"]) == (409, "completed")

    def test_needs_the_role_approver(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        client = signed_in(person(member_of=["acme"], role=Role.VIEWER))
        client.get("/admin/login/")
        token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else "x" * 32
        client.cookies["csrftoken"] = token
        answer = client.post(
            f"{RUNS}/{run_id}/cancel",
            "{}",
            content_type="application/json",
            headers={"X-CSRFToken": token},
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "E-AUTH-002")

    def test_needs_the_csrf_token_of_a_session(self, tenant):
        run_id = new_run(tenant).json()["run_id"]
        client = signed_in(person(platform_role=Role.ADMIN))
        answer = client.post(f"{RUNS}/{run_id}/cancel", "{}", content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (403, "E-AUTH-003")


class TestPaths:
    def test_unknown_ones_answer_in_problem_json(self, tenant):
        answer = tenant.get("/v1/platform/nothing")

        assert (answer.status_code, answer.json()["code"]) == (404, "E-REQ-008")

    def test_unknown_methods_name_the_known_ones(self, tenant):
        answer = tenant.client.delete(RUNS, headers={"Authorization": f"Bearer {tenant.key}"})

        assert (answer.status_code, answer.json()["code"]) == (405, "E-REQ-005")
        assert "POST" in answer["Allow"]

    def test_are_all_in_the_schema(self, tenant):
        schema = tenant.client.get("/api/schema/", {"format": "json"})

        assert schema.status_code == 200
        paths = json.loads(schema.content)["paths"]
        assert {RUNS, f"{RUNS}/{{run_id}}", f"{RUNS}/{{run_id}}/detail"} <= set(paths)
        assert "/v1/channels/{project_id}/alertmanager" in paths
