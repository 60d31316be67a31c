"""Contracts in the console: who sees and does what, and what the pages say of a revision."""

import re
from html import unescape

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from awooop.kit import db
from awooop.kit.db import tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Role
from contracts import lifecycle
from contracts.models import ContractRevision, ContractSignature, Family

LIST = "/admin/contracts/"
ANY_ID = "01a1fe1b-0000-7000-8000-000000000000"
TOOL = {"tool_name": "get_pods", "mcp_gateway_id": "observability", "scopes": ["read"]}


def act(verb, *given, project="acme", **more):
    with tenant_tx(project):
        return verb(project, *given, at=timezone.now(), **more)


def drafted(contract_id="helper", project="acme", **body):
    body = {"agent_id": contract_id, "tools": [], **body}
    made = act(lifecycle.draft, Family.AGENT, contract_id, body, project=project, actor="test")
    return made.revision_id


def published(contract_id="helper", **body):
    revision_id = drafted(contract_id, **body)
    act(lifecycle.publish, revision_id, actor="test")
    return revision_id


def activated(contract_id="helper", **body):
    revision_id = published(contract_id, **body)
    act(lifecycle.activate, revision_id, actor="test")
    return revision_id


def status(revision_id, project="acme"):
    with tenant_tx(project):
        found = ContractRevision.objects.filter(revision_id=revision_id).first()
    return found and found.lifecycle_status


def listed(answer):
    return re.findall(r'class="aw-row-link" href="/admin/contracts/([0-9a-f-]{36})/"', text(answer))


def text(answer):
    return answer.content.decode()


def link(answer, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text(answer))
    return LIST + unescape(found[1]) if found else None


def offered(answer):
    return re.findall(r'href="/admin/contracts/[0-9a-f-]{36}/([a-z]+)/"', text(answer))


def alter(change, table="revision"):
    """Change rows as their owner, with every guard switched off."""
    name = f"awooop_contract_{table}"
    with connections["owner"].cursor() as cursor:
        for guard in ("NO FORCE ROW LEVEL SECURITY", "DISABLE TRIGGER USER"):
            cursor.execute(f"ALTER TABLE {name} {guard}")
        cursor.execute(f"UPDATE {name} SET {change}")
        for guard in ("FORCE ROW LEVEL SECURITY", "ENABLE TRIGGER USER"):
            cursor.execute(f"ALTER TABLE {name} {guard}")


@pytest.fixture
def viewer(tenant, signed_in):
    return signed_in(platform_role=Role.VIEWER)


@pytest.fixture
def admin(tenant, signed_in):
    return signed_in(platform_role=Role.ADMIN)


class TestListing:
    def test_visits_every_revision_once_downwards_and_upwards(self, viewer):
        made = [str(drafted(f"a{number:02}")) for number in range(104)]
        down, at = [], LIST + "?family=agent&status=draft"
        while at:
            answer = viewer.get(at)
            down.append(listed(answer))
            last, at = at, link(answer, "next")
        up = []
        while last:
            answer = viewer.get(last)
            up.append(listed(answer))
            last = link(answer, "prev")
        assert [each for page in down for each in page] == made[::-1]
        assert [len(page) for page in down] == [50, 50, 4]
        assert up[::-1] == down

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"contract": "helper"}, 2),
            ({"contract": "help"}, 0),
            ({"status": "published"}, 1),
            ({"family": "agent", "status": "active"}, 1),
            ({"family": "policy"}, 1),
            ({"family": "project"}, 0),
            ({"project": "acme", "contract": "helper"}, 2),
            ({"project": "nobody"}, 0),
        ],
    )
    def test_takes_each_filter(self, viewer, query, count):
        published()
        drafted()
        answer = viewer.get(LIST, query)
        assert answer.status_code == 200
        assert len(listed(answer)) == count
        assert ("Nothing matches" in text(answer)) is (count == 0)

    @pytest.mark.parametrize(
        "query",
        ["family=none", "status=gone", "per_page=201", "older_than=x", "project=A b",
         f"older_than={ANY_ID}&newer_than={ANY_ID}"],
    )  # fmt: skip
    def test_answers_a_wrong_value_with_the_page_and_a_message(self, viewer, query):
        answer = viewer.get(f"{LIST}?{query}")
        assert answer.status_code == 400
        assert "aw-error" in text(answer)
        assert listed(answer) == []

    def test_costs_the_same_for_one_revision_and_for_fifty(self, viewer, monkeypatch):
        sent, send = [], db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )

        def cost():
            sent.clear()
            with CaptureQueriesContext(connection) as captured:
                assert viewer.get(LIST, {"family": "agent"}).status_code == 200
            return len(sent), len(captured)

        one = cost()
        for number in range(49):
            drafted(f"a{number}")
        assert cost() == one

    def test_shows_ones_own_projects_only(self, new_tenant, signed_in):
        new_tenant("acme")
        new_tenant("bravo")
        theirs = str(drafted(project="bravo"))
        member = signed_in(member_of=["acme"])
        assert listed(member.get(LIST))
        for query in ({}, {"project": "bravo"}):
            assert theirs not in listed(member.get(LIST, query))

    def test_tells_a_person_without_any_role_so(self, tenant, signed_in):
        assert "No project is open to you yet" in text(signed_in().get(LIST))


class TestDetail:
    def test_of_another_project_looks_missing(self, new_tenant, signed_in):
        new_tenant("acme")
        new_tenant("bravo")
        theirs = drafted(project="bravo")
        member = signed_in(member_of=["acme"], role=Role.ADMIN)
        for tail in ("", "publish/", "discard/"):
            for name in (theirs, ANY_ID, "nothing"):
                assert member.get(f"{LIST}{name}/{tail}").status_code == 404
        assert member.post(f"{LIST}{theirs}/publish/").status_code == 404
        assert status(theirs, "bravo") == "draft"

    def test_tells_in_words_what_differs_and_what_breaks(self, viewer):
        activated(tools=[TOOL], limits={"usd": "0.50"})
        told = text(viewer.get(f"{LIST}{published(limits={'usd': '0.60'})}/"))
        assert "tool observability.get_pods removed" in told
        assert "limit usd: 0.50 → 0.60" in told
        assert told.count("Breaking") == 1

    def test_tells_the_same_in_chinese(self, viewer):
        activated(tools=[TOOL], limits={"usd": "0.50"})
        here = f"{LIST}{published(limits={'usd': '0.60'}, description='new')}/"
        told = text(viewer.get(here, headers={"Accept-Language": "zh-TW"}))
        for words in ("新增 description: new", "移除 工具 observability.get_pods", "上限 usd："):
            assert words in told

    def test_says_so_when_nothing_differs_or_nothing_is_active(self, viewer):
        assert "No revision of this contract is active" in text(viewer.get(f"{LIST}{drafted()}/"))
        active = activated()
        assert "This is the active revision" in text(viewer.get(f"{LIST}{active}/"))
        assert "Nothing differs" in text(viewer.get(f"{LIST}{drafted()}/"))

    @pytest.mark.parametrize(
        "change", ["body = '[1]'", "body_hash = repeat('0', 64)", "signature = repeat('0', 64)"]
    )
    def test_marks_what_was_altered_since_it_was_published(self, viewer, change):
        active, other = activated(), published(description="another")
        assert "Altered since" not in text(viewer.get(f"{LIST}{active}/"))
        alter(f"{change} WHERE contract_id = 'helper'")
        for each in (active, other):
            answer = viewer.get(f"{LIST}{each}/")
            assert answer.status_code == 200
            assert "Altered since it was published" in text(answer)
        assert "An altered body is not compared" in text(answer)

    def test_marks_an_altered_draft(self, viewer):
        revision_id = drafted()
        assert "Altered since" not in text(viewer.get(f"{LIST}{revision_id}/"))
        alter("body = '{}' WHERE contract_id = 'helper'")
        assert "Altered since it was written" in text(viewer.get(f"{LIST}{revision_id}/"))

    def test_tells_a_forged_signature_from_a_genuine_one(self, viewer):
        revision_id = published()
        act(lifecycle.sign, revision_id, signer="operator:zoe")
        assert "Not genuine" not in text(viewer.get(f"{LIST}{revision_id}/"))
        alter("signer = 'operator:ann'", "signature")
        assert "Not genuine" in text(viewer.get(f"{LIST}{revision_id}/"))

    def test_still_opens_when_an_altered_policy_hides_how_many_are_needed(self, viewer):
        act(lifecycle.install, Family.POLICY, "main", {"quorum": {"activation": 2}}, actor="test")
        alter("body = '{}' WHERE contract_family = 'policy'")
        told = text(viewer.get(f"{LIST}{drafted()}/"))
        assert "Nobody knows how many are needed" in told

    def test_escapes_what_it_shows_and_spells_out_what_hides(self, viewer):
        activated()
        hidden = "<script>alert(1)</script> a\u202eb\U000e0041c"
        told = text(viewer.get(f"{LIST}{drafted(description=hidden)}/"))
        assert "<script>alert" not in told
        body = re.search(r"<pre.*?</pre>", told, re.DOTALL)[0]
        assert "&lt;script&gt;" in body
        assert r"a\u202eb\udb40\udc41c" in body

    @pytest.mark.parametrize(
        ("role", "of_draft", "of_published"),
        [
            (Role.VIEWER, [], []),
            (Role.APPROVER, [], ["sign"]),
            (Role.ADMIN, ["publish", "discard"], ["sign", "activate", "retire"]),
        ],
    )
    def test_offers_what_a_role_may_do(self, tenant, signed_in, role, of_draft, of_published):
        client = signed_in(member_of=["acme"], role=role)
        draft, ready = drafted(), published()
        assert offered(client.get(f"{LIST}{draft}/")) == of_draft
        assert offered(client.get(f"{LIST}{ready}/")) == of_published
        for revision_id, allowed in ((draft, of_draft), (ready, of_published)):
            for name in {"publish", "discard", "sign", "activate", "retire"} - {*allowed}:
                answer = client.post(f"{LIST}{revision_id}/{name}/")
                assert answer.status_code in (403, 409), name
        assert (status(draft), status(ready)) == ("draft", "published")
        with tenant_tx("acme"):
            assert not ContractSignature.objects.filter(signer="operator:ann").exists()


class TestActs:
    def test_take_a_contract_from_draft_to_active_by_two_people(self, tenant, signed_in):
        policy = {"quorum": {"activation": 2}}
        act(lifecycle.install, Family.POLICY, "main", policy, actor="test")
        boss = signed_in(name="boss", member_of=["acme"], role=Role.ADMIN)
        ann = signed_in(name="ann", member_of=["acme"], role=Role.APPROVER)
        here = f"{LIST}{drafted()}/"
        revision_id = here.split("/")[-2]
        assert "Publish this draft?" in text(boss.get(here + "publish/"))
        assert status(revision_id) == "draft"
        assert "The draft is published" in text(boss.post(here + "publish/", follow=True))
        assert "1 of 2 needed" in text(boss.post(here + "sign/", follow=True))
        refused = boss.post(here + "activate/")
        assert refused.status_code == 409
        assert "E-CONTRACT-006" in text(refused)
        assert status(revision_id) == "published"
        assert ann.post(here + "activate/").status_code == 403
        assert "2 of 2 needed" in text(ann.post(here + "sign/", follow=True))
        assert "sign" not in offered(ann.get(here))
        assert "The revision is active." in text(boss.post(here + "activate/", follow=True))
        assert status(revision_id) == "active"

    def test_show_that_a_signer_who_left_no_longer_counts(self, tenant, signed_in):
        policy = {"quorum": {"activation": 2}}
        act(lifecycle.install, Family.POLICY, "main", policy, actor="test")
        ann = signed_in(member_of=["acme"], role=Role.APPROVER)
        eve = signed_in(name="eve", member_of=["acme"], role=Role.APPROVER)
        here = f"{LIST}{published()}/"
        for each in (ann, eve):
            each.post(here + "sign/")
        with tenant_tx("acme"):
            members.dismiss("acme", "eve", actor="test")
        told = text(ann.get(here))
        assert "1 of 2 needed" in told
        assert told.count("Genuine") == 2

    def test_roll_back_to_a_retired_revision(self, admin):
        first, second = activated(), activated(description="second")
        assert status(first) == "retired"
        assert "Roll back to this" in text(admin.get(f"{LIST}{first}/"))
        admin.post(f"{LIST}{first}/activate/")
        assert (status(first), status(second)) == ("active", "retired")

    def test_retire_and_throw_away(self, admin):
        active, draft = activated(), drafted()
        admin.post(f"{LIST}{active}/retire/")
        assert status(active) == "retired"
        answer = admin.post(f"{LIST}{draft}/discard/")
        assert answer.headers["Location"] == LIST
        assert status(draft) is None

    def test_name_what_does_not_fit_the_project(self, admin):
        unfit = {**TOOL, "tool_name": "fly"}
        revision_id = drafted(tools=[unfit])
        answer = admin.post(f"{LIST}{revision_id}/publish/")
        assert answer.status_code == 422
        assert "/tools/0/tool_name" in text(answer)
        assert status(revision_id) == "draft"

    def test_are_refused_where_the_revision_does_not_stand(self, admin):
        draft, active = drafted(), activated()
        for revision_id, name in ((draft, "activate"), (draft, "sign"), (active, "discard")):
            for send in (admin.get, admin.post):
                answer = send(f"{LIST}{revision_id}/{name}/")
                assert answer.status_code == 409
                assert "E-CONTRACT-004" in text(answer)
        assert admin.get(f"{LIST}{draft}/nothing/").status_code == 404

    def test_refuse_an_altered_revision(self, admin):
        revision_id = published()
        alter("signature = repeat('0', 64) WHERE contract_id = 'helper'")
        for name in ("sign", "activate"):
            answer = admin.post(f"{LIST}{revision_id}/{name}/")
            assert answer.status_code == 500
            assert "E-CONTRACT-005" in text(answer)

    def test_need_the_form_of_the_page(self, tenant, signed_in):
        revision_id = drafted()
        client = signed_in(platform_role=Role.ADMIN, enforce_csrf_checks=True)
        assert client.post(f"{LIST}{revision_id}/publish/").status_code == 403
        assert status(revision_id) == "draft"
