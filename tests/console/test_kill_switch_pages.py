"""Kill switches in the console: thrown on second thought, lifted by admins, seen on every page."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from awooop.kit import db
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.models import Role
from gateway import switches
from gateway.models import Level, PlatformSwitch, Switch

HOME = "/admin/switches/"
THROW = f"{HOME}throw/"
AGENT = {"level": "agent", "project": "acme", "key": "sre-agent", "reason": "It loops."}


@pytest.fixture(autouse=True)
def short_permits(monkeypatch):
    monkeypatch.setattr(switches, "PERMIT_SECONDS", 0)


def text(answer):
    return unescape(answer.content.decode())


def throw(level=Level.PROJECT, project="acme", key=""):
    return switches.throw(
        level, project_id=project, key=key, reason="why", actor="test", at=timezone.now()
    )


def thrown(project="acme"):
    with db.tenant_tx(project):
        return [(row.level, row.key) for row in Switch.objects.filter(lifted_at=None)]


def stopped(answer):
    found = re.search(r'<aside class="aw-alarm".*?</aside>', text(answer), re.DOTALL)
    return re.findall(r"<p>(.*?)</p>", found[0]) if found else []


def confirmed(client, form):
    told = text(client.post(THROW, form))
    (seal,) = re.findall(r'name="confirmed" value="([^"]*)"', told)
    return client.post(THROW, {**form, "confirmed": seal}, follow=True)


@pytest.fixture
def approver(tenant, signed_in):
    return signed_in(name="zoe", member_of=["acme"], role=Role.APPROVER)


class TestThrowing:
    def test_says_first_what_stops_and_then_stops_it(self, approver):
        told = text(approver.post(THROW, AGENT))
        assert "Every tool call of the agent sre-agent in acme is stopped." in told
        assert "No active contract names it" not in told
        assert thrown() == []
        answer = confirmed(approver, AGENT)
        assert thrown() == [("agent", "sre-agent")]
        assert "It loops." in text(answer)
        assert "operator:zoe" in text(answer)

    def test_asks_again_when_something_else_was_confirmed(self, approver):
        body = {**AGENT, "confirmed": "agent:acme:another"}
        assert "Stop it now" in text(approver.post(THROW, body))
        assert thrown() == []

    def test_warns_of_a_name_that_no_contract_has(self, approver):
        assert "No active contract names it" in text(approver.post(THROW, {**AGENT, "key": "x"}))
        tool = {**AGENT, "level": "tool", "key": "get_pods__observability"}
        assert "No active contract names it" not in text(approver.post(THROW, tool))

    def test_suggests_the_agents_and_tools_there_are(self, approver):
        told = text(approver.get(f"{THROW}?level=tool&project=acme&key=get_pods__observability"))
        assert '<option value="sre-agent">' in told
        assert '<option value="get_pods__observability">' in told
        assert re.search(r'value="tool" required checked', told)
        assert '<option value="acme" selected>' in told

    def test_refuses_what_is_not_whole(self, approver):
        for change in ({"key": ""}, {"project": ""}, {"reason": " "}, {"level": "all"},
                       {"level": ""}, {"project": "A b"}):  # fmt: skip
            answer = approver.post(THROW, {**AGENT, **change})
            assert answer.status_code == 422, change
            assert "aw-fault" in text(answer)
        assert thrown() == []

    def test_of_the_platform_is_for_platform_wide_roles(self, approver, signed_in):
        form = {"level": "platform", "reason": "Incident."}
        assert 'value="platform"' not in text(approver.get(THROW))
        assert approver.post(THROW, form).status_code == 403
        chief = signed_in(platform_role=Role.APPROVER)
        assert 'value="platform"' in text(chief.get(THROW))
        confirmed(chief, form)
        assert PlatformSwitch.objects.get().thrown_by == "operator:ann"

    def test_is_not_for_viewers_nor_for_others(self, new_tenant, approver, signed_in):
        new_tenant("bravo")
        viewer = signed_in(member_of=["acme"])
        assert "Throw a kill switch" not in text(viewer.get(HOME))
        assert viewer.get(THROW).status_code == 403
        assert approver.post(THROW, {**AGENT, "project": "bravo"}).status_code == 403
        assert "bravo" not in text(approver.get(THROW))

    def test_needs_the_form_of_the_page(self, tenant, signed_in):
        client = signed_in(platform_role=Role.ADMIN, enforce_csrf_checks=True)
        made = throw()
        assert client.post(THROW, AGENT).status_code == 403
        assert client.post(f"{HOME}acme/{made}/lift/").status_code == 403
        assert thrown() == [("project", "")]


class TestLifting:
    def test_is_for_admins_and_asks_first(self, approver, signed_in):
        here = f"{HOME}acme/{throw()}/lift/"
        assert here not in text(approver.get(HOME))
        assert approver.post(here).status_code == 403
        admin = signed_in(member_of=["acme"], role=Role.ADMIN)
        assert here in text(admin.get(HOME))
        assert "Let calls start again" in text(admin.get(here))
        assert thrown() != []
        told = text(admin.post(here, follow=True))
        assert thrown() == []
        assert "Nothing is stopped" in told
        assert "Lifted again" in told
        assert admin.post(here).status_code == 404

    def test_of_the_platform_is_for_platform_admins(self, tenant, signed_in):
        here = f"{HOME}*/{throw(Level.PLATFORM, PLATFORM)}/lift/"
        member = signed_in(member_of=["acme"], role=Role.ADMIN)
        assert member.post(here).status_code == 403
        chief = signed_in(name="chief", platform_role=Role.ADMIN)
        chief.post(here)
        assert PlatformSwitch.objects.get().lifted_by == "operator:chief"


class TestBanner:
    def test_is_on_every_page_while_a_switch_is_thrown(self, new_tenant, signed_in):
        new_tenant("acme")
        new_tenant("bravo")
        ours = signed_in(member_of=["acme"])
        theirs = signed_in(name="ben", member_of=["bravo"])
        chief = signed_in(name="chief", platform_role=Role.ADMIN)
        assert stopped(ours.get("/admin/")) == []
        made = throw(Level.TOOL, key="a__b")
        for path in ("/admin/", "/admin/runs/", HOME, "/admin/nothing/"):
            assert stopped(ours.get(path)) == ["Every call of the tool a__b in acme is stopped."]
            assert stopped(theirs.get(path)) == []
        assert len(stopped(chief.get("/admin/tenants/operator/add/"))) == 1
        throw(Level.PLATFORM, PLATFORM)
        assert stopped(theirs.get("/admin/")) == ["Every tool call of every project is stopped."]
        switches.lift(made, project_id="acme", actor="test", at=timezone.now())
        assert stopped(ours.get("/admin/")) == ["Every tool call of every project is stopped."]

    def test_says_the_newest_three_and_that_there_are_more(self, tenant, signed_in):
        for name in "abcd":
            throw(Level.AGENT, key=name)
        lines = stopped(signed_in(member_of=["acme"]).get("/admin/"))
        assert [re.findall("agent (.)", line) for line in lines] == [["d"], ["c"], ["b"], []]
        assert lines[3] == "There are more."

    def test_is_one_question_to_the_database(self, tenant, signed_in, monkeypatch):
        client = signed_in(platform_role=Role.VIEWER)
        sent, send = [], db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )
        with CaptureQueriesContext(connection):
            client.get("/admin/runs/")
        assert sum("lifted_at IS NULL" in sql for sql in sent) == 1

    def test_is_not_on_the_page_before_signing_in(self, tenant, client):
        throw(Level.PLATFORM, PLATFORM)
        assert stopped(client.get("/admin/login/")) == []
