"""Incidents, operations, playbooks and knowledge in the console and over REST: who sees what."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.translation import gettext

from approvals.operations import models
from approvals.operations.models import (
    AnomalyDisposition,
    Incident,
    Knowledge,
    Operation,
    Outcome,
    Playbook,
    Severity,
    Verdict,
)
from awooop.audit.acts import Act
from awooop.errors import Code
from awooop.kit import db, ids
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Role
from tests.console.test_pages import visible

SHELVES = ("incidents", "operations", "playbooks", "knowledge")
ANY_ID = "01a1fe1b-0000-7000-8000-000000000000"
ZH = {"headers": {"Accept-Language": "zh-TW"}}
HIDDEN = "a\u200bb"


def text(answer):
    return unescape(answer.content.decode())


def listed(answer):
    return re.findall(r'class="aw-row-link" href="([^"]+)"', text(answer))


def incident(project_id="acme", **facts):
    facts = {"title": "The shop is slow", "severity": Severity.WARNING, **facts}
    with tenant_tx(project_id):
        return Incident.objects.create(
            project_id=project_id, source="alertmanager", anomaly_key="k",
            opened_at=timezone.now(), **facts,
        )  # fmt: skip


def operation(project_id="acme", outcome="", verdict="", **facts):
    now = timezone.now()
    facts = {"action": "kubectl rollout restart deployment/web", "requested_by": "op", **facts}
    with tenant_tx(project_id):
        made = Operation.objects.create(
            project_id=project_id, agent_id="sre-agent", tool_name="restart__cluster",
            arguments={"name": "web"}, created_at=now, **facts,
        )  # fmt: skip
        if outcome:
            ended = {"outcome": outcome, "closed_at": now, "duration_ms": 40, "stderr": HIDDEN}
            Operation.objects.filter(operation_id=made.operation_id).update(
                **ended, verdict=verdict, effectiveness=4, error_code="E-MCP-UP-001", error="no"
            )
    return made


def playbook(project_id="acme", **facts):
    now = timezone.now()
    facts = {"standing": Playbook.Standing.APPROVED, "action": "restart web", **facts}
    with tenant_tx(project_id):
        return Playbook.objects.create(
            project_id=project_id, name="Slow shop", category="latency", effectiveness=5, uses=4,
            successes=3, action_sha256=ids.new_secret(), created_at=now, used_at=now, **facts,
        )  # fmt: skip


def entry(project_id="acme", **facts):
    of = facts.pop("of", None) or operation(project_id)
    facts = {"title": "Slow shop: restart", "body": f"It helped. {HIDDEN}", **facts}
    with tenant_tx(project_id):
        return Knowledge.objects.create(
            project_id=project_id, operation_id=of.operation_id, category="latency",
            tags=["success"], created_at=timezone.now(), **facts,
        )  # fmt: skip


def one_of_each(project_id="acme"):
    """Make one thing on each shelf; return their pages."""
    wrong = incident(project_id)
    done = operation(
        project_id, outcome=Outcome.EXECUTED, verdict=Verdict.VERIFIED,
        incident_id=wrong.incident_id, risk="high",
    )  # fmt: skip
    with tenant_tx(project_id):
        AnomalyDisposition.objects.create(
            project_id=project_id, operation_id=done.operation_id, anomaly_key="k",
            what=AnomalyDisposition.What.REJECTED, at=timezone.now(),
        )  # fmt: skip
    made = (wrong.incident_id, done.operation_id, playbook(project_id).playbook_id,
            entry(project_id, of=done, incident_id=wrong.incident_id).entry_id)  # fmt: skip
    return [f"/admin/{kind}/{project_id}/{each}/" for kind, each in zip(SHELVES, made, strict=True)]


@pytest.fixture
def viewer(tenant, signed_in):
    return signed_in(member_of=["acme"])


class TestShelves:
    def test_list_what_there_is_and_lead_to_all_that_is_known(self, viewer):
        told = []
        for kind, page in zip(SHELVES, one_of_each(), strict=True):
            assert listed(viewer.get(f"/admin/{kind}/")) == [page]
            told.append(text(viewer.get(page)))
        wrong, done, book, learned = told
        for words in ("The shop is slow", "kubectl rollout restart", "alertmanager", "Rejected"):
            assert words in wrong, words
        for words in ("Verified", "4 of 5", '"name": "web"', "E-MCP-UP-001", "High risk",
                      "⟨U+200B⟩", "/admin/incidents/acme/"):  # fmt: skip
            assert words in done, words
        assert "75 % (3 of 4)" in book
        for words in ("It helped. ", "⟨U+200B⟩", "/admin/operations/acme/"):
            assert words in learned, words

    def test_of_another_project_look_missing(self, viewer, new_tenant):
        new_tenant("bravo")
        for kind, page in zip(SHELVES, one_of_each("bravo"), strict=True):
            assert listed(viewer.get(f"/admin/{kind}/")) == []
            assert listed(viewer.get(f"/admin/{kind}/?project=bravo")) == []
            stolen = page.replace("/bravo/", "/acme/")
            for path in (page, stolen, f"/admin/{kind}/acme/{ANY_ID}/", f"/admin/{kind}/acme/x/"):
                assert viewer.get(path).status_code == 404, path

    def test_are_empty_with_a_word_of_why(self, viewer, signed_in):
        for kind, words in zip(SHELVES, ("No incidents", "No operations yet", "No playbooks yet",
                                         "Nothing was learned yet"), strict=True):  # fmt: skip
            assert words in text(viewer.get(f"/admin/{kind}/"))
            assert "Nothing matches" in text(viewer.get(f"/admin/{kind}/?project=acme"))
            assert "nothing further" in text(viewer.get(f"/admin/{kind}/?older_than={ANY_ID}"))
        nobody = signed_in(name="nobody")
        assert "No project is open to you yet" in text(nobody.get("/admin/incidents/"))

    def test_filter_by_what_is_on_them(self, viewer):
        incident(severity=Severity.CRITICAL, title="worse")
        one_of_each()
        operation(outcome=Outcome.ERROR)
        playbook(standing=Playbook.Standing.DRAFT)
        entry(did_not_work=True)
        for query, count in (("incidents/?severity=critical", 1), ("incidents/?status=open", 2),
                             ("incidents/?status=resolved", 0), ("operations/?outcome=error", 1),
                             ("operations/?verdict=verified", 1),
                             ("playbooks/?standing=draft", 1), ("knowledge/?worked=no", 1),
                             ("knowledge/?worked=yes", 1)):  # fmt: skip
            assert len(listed(viewer.get(f"/admin/{query}"))) == count, query
        assert viewer.get("/admin/operations/?outcome=").status_code == 200

    def test_search_what_was_learned_by_words(self, viewer):
        entry(title="Disk full", body="Pruning helped with the disk.")
        entry(title="Slow shop", body="A restart helped.")
        for words, count in (("helped", 2), ("disk helped", 1), ("restart or pruning", 2),
                             ('"the disk"', 1), ("helped -disk", 1), ("nothing", 0),
                             ("'); --", 0)):  # fmt: skip
            answer = viewer.get("/admin/knowledge/", {"words": words})
            assert len(listed(answer)) == count, words

    def test_cost_the_same_for_one_and_for_thirty(self, viewer, monkeypatch):
        sent, send = [], db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )

        def cost(path):
            sent.clear()
            with CaptureQueriesContext(connection) as captured:
                assert viewer.get(path).status_code == 200
            return len(sent), len(captured)

        pages = [*one_of_each(), *(f"/admin/{kind}/" for kind in SHELVES)]
        one = [cost(path) for path in pages]
        for _ in range(10):
            one_of_each()
        assert [cost(path) for path in pages] == one


class TestDoors:
    def test_tell_the_same_by_pages(self, viewer, tenant):
        one_of_each()
        one_of_each()
        for kind in SHELVES:
            first = viewer.get(f"/v1/platform/{kind}", {"per_page": 1, "project_id": "acme"}).json()
            second = viewer.get(first["next"]).json()
            assert [len(page[kind]) for page in (first, second)] == [1, 1]
            assert first[kind] != second[kind]
            assert second["next"] is None
        found = viewer.get("/v1/platform/knowledge", {"q": "helped", "worked": "yes"}).json()
        assert len(found["knowledge"]) == 2
        assert (
            viewer.get("/v1/platform/operations", {"outcome": "error"}).json()["operations"] == []
        )

    def test_are_for_people_with_a_role_and_refuse_what_makes_no_sense(
        self, viewer, tenant, new_tenant
    ):
        new_tenant("bravo")
        one_of_each("bravo")
        for kind in SHELVES:
            path = f"/v1/platform/{kind}"
            assert viewer.get(path).json()[kind] == []
            assert viewer.get(path, {"project_id": "bravo"}).json()[kind] == []
            assert tenant.get(path).status_code == 403
            for query in ({"per_page": 0}, {"cursor": "x"}, {"what": "else"}):
                assert viewer.get(path, query).status_code == 422, (kind, query)


class TestPages:
    @pytest.fixture
    def paths(self, tenant):
        wrong, done, book, learned = one_of_each()
        draft = playbook(standing=Playbook.Standing.DRAFT).playbook_id
        asking = [f"{wrong}resolve/", f"{book}retire/", f"/admin/playbooks/acme/{draft}/approve/"]
        return [wrong, done, book, learned, *asking, *(f"/admin/{kind}/" for kind in SHELVES),
                "/admin/knowledge/?words=none"]  # fmt: skip

    def test_are_wholly_chinese_when_asked_for_in_chinese(self, paths, signed_in):
        admin = signed_in(platform_role=Role.ADMIN)
        data = {"AwoooP", "English", "UTC", "acme", "ann", "The", "shop", "slow", "Slow", "name",
                "kubectl", "rollout", "deployment", "web", "alertmanager", "general", "latency",
                "sre", "agent", "restart__cluster", "success", "restart", "helped",
                "none"}  # fmt: skip
        for path in paths:
            told = re.sub(r"\b[0-9a-f-]{8,}\b|E-[A-Z-]+\d+", " ", visible(admin.get(path, **ZH)))
            assert set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", told)) - data == set(), path

    def test_have_a_title_one_heading_landmarks_and_no_inline_script_or_style(
        self, paths, signed_in
    ):
        approver = signed_in(member_of=["acme"], role=Role.APPROVER)
        for path in paths:
            told = approver.get(path).content.decode()
            assert re.search(r"<title>[^|<]+ \| AwoooP</title>", told), path
            assert [told.count(f"<{tag}") for tag in ("h1", "main", "header class")] == [1] * 3
            assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=", told), path

    def test_are_translated_with_every_name_and_code(self):
        kinds = (models.Severity, models.Status, models.Kind, models.Stage, models.Outcome,
                 models.Verdict, Playbook.Standing, AnomalyDisposition.What, Act)  # fmt: skip
        labels = [each for kind in kinds for each in kind.labels]
        for model in (Incident, Operation, Playbook, Knowledge):
            labels += [model._meta.verbose_name, model._meta.verbose_name_plural]
        codes = [code for code in Code if code.value.startswith("E-APPR-")]
        with translation.override("zh-hant"):
            told = [str(label) for label in labels]
            told += [each for code in codes for each in (gettext(code.title), gettext(code.hint))]
        assert [each for each in told if not re.search(r"[\u4e00-\u9fff]", each)] == []
