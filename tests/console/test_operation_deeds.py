"""Resolving incidents, approving and retiring playbooks: by whom, with what reason, on record."""

from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from approvals.operations import incidents, playbooks
from approvals.operations.models import Incident, Playbook
from awooop.errors import NotFound
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access
from awooop.tenants.models import Operator, Role
from tests.audit.test_fail_closed import unwritable
from tests.console.test_operation_pages import ANY_ID, incident, playbook, text

DRAFT = Playbook.Standing.DRAFT


def standing(made):
    """Return how a thing stands now."""
    with tenant_tx("acme"):
        now = type(made).objects.get(pk=made.pk)
        return now.status if isinstance(now, Incident) else now.standing


def evidence(project_id="acme"):
    """Return act, actor, target and reason of what people did to incidents and playbooks."""
    with tenant_tx(project_id), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT act, actor, target, facts->>'reason' FROM awooop_audit_event"
            " WHERE target_type IN ('incident', 'playbook') ORDER BY seq"
        )
        return cursor.fetchall()


@pytest.fixture
def things(tenant):
    """What can be done: a thing, the deed, how it stands then, what the audit calls it."""
    return [
        (incident(), "incidents", "resolve", "resolved", "incident.resolved"),
        (playbook(standing=DRAFT), "playbooks", "approve", "approved", "playbook.approved"),
        (playbook(), "playbooks", "retire", "retired", "playbook.retired"),
    ]


@pytest.fixture
def approver(tenant, signed_in):
    return signed_in(name="bob", member_of=["acme"], role=Role.APPROVER)


@pytest.fixture
def viewer(tenant, signed_in):
    return signed_in(name="vic", member_of=["acme"])


class TestPages:
    def test_do_it_with_a_reason_and_leave_evidence(self, things, approver):
        wanted = []
        for made, kind, deed, then, act in things:
            page, identity = f"/admin/{kind}/acme/{made.pk[1]}/", str(made.pk[1])
            before = standing(made)
            assert f'href="{page}{deed}/"' in text(approver.get(page))
            assert "in your name" in text(approver.get(f"{page}{deed}/"))
            for missing in ({}, {"reason": "  "}, {"reason": "x" * 501}):
                assert approver.post(f"{page}{deed}/", missing).status_code == 422
            assert standing(made) == before
            answer = approver.post(f"{page}{deed}/", {"reason": "seen on call"})
            assert (answer.status_code, answer["Location"]) == (302, page)
            assert standing(made) == then
            assert f"{page}{deed}/" not in text(approver.get(page))
            wanted.append((act, "operator:bob", identity, "seen on call"))
        assert evidence() == wanted

    def test_do_it_once(self, things, approver):
        for made, kind, deed, then, _act in things:
            page = f"/admin/{kind}/acme/{made.pk[1]}/{deed}/"
            for _ in range(2):
                approver.post(page, {"reason": "seen"})
            assert "already" in text(approver.get(page, follow=True))
            assert standing(made) == then
        assert len(evidence()) == len(things)

    def test_refuse_a_member_without_the_role(self, things, viewer):
        for made, kind, deed, then, _act in things:
            page = f"/admin/{kind}/acme/{made.pk[1]}/"
            assert f"{deed}/" not in text(viewer.get(page))
            for answer in (viewer.get(f"{page}{deed}/"),
                           viewer.post(f"{page}{deed}/", {"reason": "me"})):  # fmt: skip
                assert answer.status_code == 403
            assert standing(made) != then
        assert evidence() == []

    def test_of_others_and_of_what_cannot_be_done_are_missing(self, approver, new_tenant, things):
        new_tenant("bravo")
        other = incident("bravo").pk[1]
        mine = things[0][0].pk[1]
        for path in (f"incidents/bravo/{other}/resolve/", f"incidents/acme/{other}/resolve/",
                     f"incidents/acme/{mine}/approve/", f"playbooks/acme/{ANY_ID}/retire/",
                     f"operations/acme/{ANY_ID}/resolve/",
                     "incidents/acme/x/resolve/"):  # fmt: skip
            assert approver.post(f"/admin/{path}", {"reason": "x"}).status_code == 404, path
        assert evidence("bravo") == []

    def test_need_their_csrf_token(self, things, signed_in):
        browser = signed_in(
            name="eve", member_of=["acme"], role=Role.APPROVER, enforce_csrf_checks=True
        )
        made, kind, deed, then, _act = things[0]
        path = f"/admin/{kind}/acme/{made.pk[1]}/{deed}/"
        assert browser.post(path, {"reason": "x"}).status_code == 403
        assert standing(made) != then

    def test_do_nothing_without_evidence(self, things, approver):
        for made, kind, deed, then, _act in things:
            with unwritable():
                path = f"/admin/{kind}/acme/{made.pk[1]}/{deed}/"
                assert approver.post(path, {"reason": "x"}).status_code >= 500
            assert standing(made) != then


class TestDoors:
    @pytest.fixture
    def ask(self, client):
        def send(who, path, **body):
            now = timezone.now()
            lasts = {"at": now, "expires_at": now + timedelta(hours=1)}
            with global_tx():
                person = Operator.objects.get(username=who)
                token = access.issue_token(person, name="t", actor="t", **lasts)
            asked = {"project_id": "acme", "reason": "seen", **body}
            headers = {"Authorization": f"Bearer {token}"}
            return client.post(
                f"/v1/platform/{path}", asked, content_type="application/json", headers=headers
            )

        return send

    def test_do_it_for_an_approver_and_tell_how_it_stands(self, things, approver, ask):
        for made, kind, deed, then, _act in things:
            for _ in range(2):
                told = ask("bob", f"{kind}/{made.pk[1]}/{deed}")
                assert told.status_code == 200
                assert told.json()["status" if kind == "incidents" else "standing"] == then
        assert [row[:2] for row in evidence()] == [(each[4], "operator:bob") for each in things]

    def test_refuse_who_may_not_and_what_makes_no_sense(
        self, things, approver, viewer, ask, tenant, new_tenant
    ):
        new_tenant("bravo")
        other = incident("bravo").pk[1]
        for made, kind, deed, then, _act in things:
            path = f"{kind}/{made.pk[1]}/{deed}"
            body = {"project_id": "acme", "reason": "seen"}
            assert ask("vic", path).status_code == 403
            assert tenant.post(f"/v1/platform/{path}", body).status_code == 403
            assert ask("bob", path, reason=" ").status_code == 422
            assert ask("bob", path, more=1).status_code == 422
            assert ask("bob", f"{kind}/x/{deed}").status_code == 422
            assert ask("bob", f"{kind}/{ANY_ID}/{deed}").status_code == 404
            assert ask("bob", path, project_id="bravo").status_code == 404
            assert standing(made) != then
        assert ask("bob", f"incidents/{other}/resolve").status_code == 404
        assert evidence() == evidence("bravo") == []


class TestVerbs:
    def test_of_nothing_are_refused(self, tenant):
        how = {"actor": "operator:ann", "reason": "x"}
        with tenant_tx("acme"):
            for verb in (playbooks.approve, playbooks.retire):
                with pytest.raises(NotFound):
                    verb("acme", ANY_ID, **how)
            with pytest.raises(NotFound):
                incidents.resolve("acme", ANY_ID, at=timezone.now(), **how)

    def test_what_is_retired_is_offered_again_only_after_a_yes(self, tenant):
        book, wrong = playbook(), incident(category="latency")
        how = {"actor": "operator:ann", "reason": "x"}
        offered = []
        for verb in (playbooks.retire, playbooks.approve):
            with tenant_tx("acme"):
                assert verb("acme", book.playbook_id, **how)
                assert not verb("acme", book.playbook_id, **how)
                offered.append(len(playbooks.match("acme", wrong)))
        assert offered == [0, 1]
