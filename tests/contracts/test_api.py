"""The doors of contracts, from a draft to a rollback, and who may pass."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Role
from contracts import lifecycle
from contracts.models import Family

BASE = "/v1/platform/contracts"
BODY = {"agent_id": "helper", "tools": []}


def person(name, role):
    with global_tx():
        made = Operator.objects.create_user(name)
    with tenant_tx("acme"):
        members.admit("acme", name, role, actor="t", at=timezone.now())
    client = Client(raise_request_exception=False)
    client.force_login(made, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def people(tenant):
    with tenant_tx("acme"):
        lifecycle.install(
            "acme", Family.POLICY, "main", {"quorum": {"activation": 2}}, actor="t",
            at=timezone.now(),
        )  # fmt: skip
    return {
        "admin": person("ann", Role.ADMIN),
        "approver": person("bob", Role.APPROVER),
        "viewer": person("eve", Role.VIEWER),
    }


def send(client, path="", body=None, method="post"):
    answer = getattr(client, method)(
        BASE + path, json.dumps(body) if body is not None else None, content_type="application/json"
    )
    return answer.status_code, json.loads(answer.content) if answer.content else None


def draft(people, body=BODY):
    asked = {
        "project_id": "acme", "contract_family": "agent", "contract_id": "helper", "body": body
    }  # fmt: skip
    status, made = send(people["admin"], "", asked)
    assert status == 201, made
    return "/" + made["revision_id"]


class TestJourney:
    def test_goes_from_a_draft_to_a_rollback(self, people):
        admin, approver = people["admin"], people["approver"]
        first = draft(people)
        assert send(admin, f"{first}/activate")[1]["code"] == "E-CONTRACT-004"
        assert send(admin, f"{first}/publish")[1]["version"] == "1.0"
        assert send(admin, f"{first}/publish")[0] == 409
        assert send(admin, f"{first}/sign")[0] == 200
        status, told = send(admin, f"{first}/activate")
        assert (status, told["code"], told["needed"]) == (409, "E-CONTRACT-006", 2)
        send(approver, f"{first}/sign")
        status, told = send(admin, f"{first}/activate")
        assert (status, told["lifecycle_status"], told["is_sound"]) == (200, "active", True)
        assert [each["signer"] for each in told["signatures"]] == ["operator:ann", "operator:bob"]

        second = draft(people, {**BODY, "description": "Second."})
        (change,) = json.loads(admin.get(f"{BASE}{second}/diff").content)["changes"]
        assert change["words"] == "description added: Second."
        for client in (admin, approver):
            send(admin, f"{second}/publish")
            send(client, f"{second}/sign")
        assert send(admin, f"{second}/activate")[1]["version"] == "1.1"
        assert send(admin, f"{first}/activate")[1]["lifecycle_status"] == "active"
        listed = json.loads(admin.get(BASE, {"contract_id": "helper"}).content)["revisions"]
        assert [each["lifecycle_status"] for each in listed] == ["retired", "active"]

    def test_pages_and_narrows_the_list(self, people):
        for number in range(5):
            draft(people, {**BODY, "description": str(number)})
        seen, path = [], f"{BASE}?status=draft&per_page=2"
        while path:
            page = json.loads(people["viewer"].get(path).content)
            seen += [each["revision_id"] for each in page["revisions"]]
            path = page["next"]
        assert len(seen) == len(set(seen)) == 5


class TestWhoMay:
    @pytest.mark.parametrize("act", ["publish", "activate", "retire"])
    def test_only_admins_change_what_holds(self, people, act):
        revision = draft(people)
        for who in ("viewer", "approver"):
            assert send(people[who], f"{revision}/{act}")[0] == 403

    def test_viewers_sign_nothing_and_draft_nothing(self, people):
        revision = draft(people)
        send(people["admin"], f"{revision}/publish")
        assert send(people["viewer"], f"{revision}/sign")[0] == 403
        assert send(people["viewer"], revision, method="delete")[0] == 403

    def test_a_strangers_revision_looks_like_a_missing_one(self, people, new_tenant):
        new_tenant("bravo")
        with tenant_tx("bravo"):
            theirs = lifecycle.draft(
                "bravo", Family.AGENT, "helper", dict(BODY), actor="t", at=timezone.now()
            )
        missing = "01a1fe1b-0000-7000-8000-000000000000"
        for path in ("", "/publish", "/sign", "/activate", "/retire"):
            method = "post" if path else "delete"
            answers = [
                send(people["admin"], f"/{each}{path}", method=method)
                for each in (theirs.revision_id, missing)
            ]
            assert answers[0][0] == answers[1][0] == 404
            assert answers[0][1]["code"] == answers[1][1]["code"]

    def test_keys_are_told_that_this_is_for_operators(self, tenant):
        assert tenant.get(BASE).status_code == 403


class TestBadInput:
    def test_names_every_fault_of_a_body(self, people):
        asked = {"project_id": "acme", "contract_family": "agent", "contract_id": "x",
                 "body": {"agent_id": 7, "tools": [{}], "wings": 1}}  # fmt: skip
        status, told = send(people["admin"], "", asked)
        assert (status, told["code"]) == (422, "E-CONTRACT-002")
        assert {"/agent_id", "/wings"} <= {each["field"] for each in told["errors"]}

    def test_serves_the_schemas_to_anybody(self, clean):
        for family in Family.values:
            answer = Client().get(f"{BASE}/schemas/{family}")
            assert json.loads(answer.content)["$id"].endswith(f"/contracts/v1/{family}")
        assert Client().get(f"{BASE}/schemas/none").status_code == 404
