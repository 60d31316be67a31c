"""The audit in the console: how chains stand, searching one, and who may."""

import re

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from awooop.audit import sealing, sink
from awooop.audit.acts import Act
from awooop.console import audit_list, doctor, evidence
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants.models import Member, Operator, Role

AUDIT = "/admin/audit/"


def signed_in(name="ann", *, platform_role="", member_of=()):
    with global_tx():
        made = Operator.objects.create_user(name, platform_role=platform_role)
    for project_id in member_of:
        with tenant_tx(project_id):
            Member.objects.create(
                project_id=project_id, operator=made, role=Role.VIEWER, created_at=timezone.now()
            )
    client = Client()
    client.force_login(made, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin(tenant):
    return signed_in(platform_role=Role.VIEWER)


def act(count=1, **changes):
    given = {"actor": "operator:bob", "target": ("api_key", "k"), **changes}
    with tenant_tx("acme"):
        for _ in range(count):
            sink.record("acme", Act.KEY_REVOKED, **given)


def listed(answer):
    return [int(n) for n in re.findall(r'class="aw-number">(\d+)</th>', answer.content.decode())]


def link(answer, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', answer.content.decode())
    return AUDIT + found[1].replace("&amp;", "&") if found else None


class TestChains:
    def test_says_of_each_how_it_stands(self, admin, new_tenant):
        sealing.seal("acme", at=timezone.now())
        new_tenant("bravo")
        text = admin.get(AUDIT).content.decode()
        assert "The platform itself" in text
        assert text.count("Holds") == 1
        assert text.count("Not sealed yet") > 2

    def test_shows_a_broken_one_and_its_first_bad_row(self, admin):
        with connections["owner"].cursor() as cursor:
            for change in ("NO FORCE ROW LEVEL SECURITY", "DISABLE TRIGGER USER"):
                cursor.execute(f"ALTER TABLE awooop_audit_event {change}")
            cursor.execute(
                "UPDATE awooop_audit_event SET actor = 'x' WHERE project_id = 'acme' AND seq = 2"
            )
            for change in ("FORCE ROW LEVEL SECURITY", "ENABLE TRIGGER USER"):
                cursor.execute(f"ALTER TABLE awooop_audit_event {change}")
        list(evidence.verified("acme"))
        text = admin.get(AUDIT).content.decode()
        assert "Broken" in text
        assert "acme row 2: altered" in text
        assert doctor.evidence().findings[0].code == "audit-broken"

    def test_are_those_of_ones_own_projects_only(self, new_tenant):
        new_tenant("acme")
        new_tenant("bravo")
        member = signed_in(member_of=["acme"])
        text = member.get(AUDIT).content.decode()
        assert "acme" in text
        assert "bravo" not in text
        assert "The platform itself" not in text
        missing = member.get(AUDIT, {"project": "nobody"})
        for name in ("bravo", "*"):
            assert member.get(AUDIT, {"project": name}).status_code == missing.status_code == 404

    def test_a_chain_nobody_seals_is_found(self, tenant, monkeypatch):
        monkeypatch.setattr(doctor, "_UNSEALED_SECONDS", 0)
        assert [found.code for found in doctor.evidence().findings] == ["audit-unsealed"]
        sealing.seal_all(at=timezone.now())
        assert doctor.evidence().findings == ()


class TestSearch:
    def test_visits_every_row_once_downwards_and_upwards(self, admin, monkeypatch):
        monkeypatch.setattr(audit_list, "PER_PAGE", 4)
        act(10)
        down, at = [], AUDIT + "?project=acme"
        while at:
            answer = admin.get(at)
            down.append(listed(answer))
            last, at = at, link(answer, "next")
        up = []
        while last:
            answer = admin.get(last)
            up.append(listed(answer))
            last = link(answer, "prev")
        everything = [seq for page in down for seq in page]
        assert everything == sorted(everything, reverse=True)
        assert everything[-1] == 1
        assert up[::-1] == down

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"act": "key.revoked"}, 3),
            ({"act": "key.revoked", "actor": "operator:bob"}, 2),
            ({"actor": "operator:bob"}, 2),
            ({"target": "other"}, 1),
            ({"since": "hour", "actor": "operator:bob"}, 2),
            ({"actor": "operator:nobody"}, 0),
        ],
    )
    def test_takes_each_filter(self, admin, query, count):
        act(2)
        act(1, actor="operator:eve", target=("api_key", "other"))
        assert len(listed(admin.get(AUDIT, {"project": "acme", **query}))) == count

    @pytest.mark.parametrize(
        "query", ["act=nothing", "since=ever", "older_than=x", "older_than=1&newer_than=2"]
    )
    def test_answers_a_wrong_value_with_the_page_and_a_message(self, admin, query):
        answer = admin.get(f"{AUDIT}?project=acme&{query}")
        assert answer.status_code == 400
        assert "aw-error" in answer.content.decode()

    def test_costs_the_same_for_one_row_and_for_fifty(self, admin):
        def cost():
            with CaptureQueriesContext(connection) as few:
                assert admin.get(AUDIT, {"project": "acme"}).status_code == 200
            return len(few)

        act(1)
        before = cost()
        act(60)
        assert cost() == before

    def test_escapes_what_it_shows(self, admin):
        act(1, actor="<script>alert(1)</script>", facts={"<b>": "<i>x</i>"})
        text = admin.get(AUDIT, {"project": "acme"}).content.decode()
        assert "<script>alert" not in text
        assert "<i>x" not in text
