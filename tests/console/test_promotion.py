"""A project's page: its mode, how often people agreed, and who may move it."""

import pytest

from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project, Role

HOME = "/admin/projects/acme/"
CHANGE = f"{HOME}mode/"


def mode():
    with tenant_tx("acme"):
        return Project.objects.get(project_id="acme").migration_mode


def page(answer):
    return answer.content.decode()


class TestPage:
    def test_offers_an_admin_one_step_up_and_any_down(self, tenant, signed_in):
        told = page(signed_in(member_of=["acme"], role=Role.ADMIN).get(HOME))
        assert "Promote to Suggest" in told
        assert "Demote to Legacy" in told
        assert "canary" not in told.casefold()

    def test_is_led_to_by_the_list(self, tenant, signed_in):
        client = signed_in(member_of=["acme"])
        assert HOME in page(client.get("/admin/tenants/"))
        told = page(client.get(HOME))
        assert "Nobody was asked about anything lately." in told
        assert "Promote" not in told

    def test_reads_in_chinese(self, tenant, signed_in):
        client = signed_in(member_of=["acme"], role=Role.ADMIN)
        told = page(client.get(HOME, headers={"Accept-Language": "zh-hant"}))
        assert "人員同意的頻率" in told

    def test_of_anothers_project_is_a_missing_one(self, tenant, signed_in):
        client = signed_in()
        for path in (HOME, CHANGE, "/admin/projects/nowhere/"):
            assert client.get(path).status_code == 404


class TestChange:
    def test_an_admin_promotes_by_one_step_once_confirmed(self, tenant, signed_in):
        client = signed_in(member_of=["acme"], role=Role.ADMIN)
        assert client.get(CHANGE, {"to": "suggest"}).status_code == 200
        assert mode() == "shadow"
        answer = client.post(CHANGE, {"to": "suggest", "was": "shadow"})
        assert (answer.status_code, mode()) == (302, "suggest")

    @pytest.mark.parametrize(
        "form", [{"to": "active", "was": "shadow"}, {"to": "suggest", "was": "canary"}, {}]
    )
    def test_refuses_what_is_no_step_from_where_it_was_seen(self, tenant, signed_in, form):
        client = signed_in(member_of=["acme"], role=Role.ADMIN)
        answer = client.post(CHANGE, form)
        assert (answer.status_code, mode()) == (409, "shadow")

    def test_is_for_admins_and_needs_the_csrf_token(self, tenant, signed_in):
        form = {"to": "suggest", "was": "shadow"}
        below = signed_in(member_of=["acme"], role=Role.APPROVER)
        assert below.post(CHANGE, form).status_code == 403
        bare = signed_in(name="bob", member_of=["acme"], role=Role.ADMIN, enforce_csrf_checks=True)
        assert bare.post(CHANGE, form).status_code == 403
        assert mode() == "shadow"
