"""Requests for a human's yes in the console: who sees, decides and is told what."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.translation import gettext

from approvals import expiry
from approvals.decisions import Decision
from approvals.models import Approval, Disposition, Risk, Standing
from awooop.errors import Code
from awooop.kit import db, ids
from awooop.kit.db import tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Role
from runs.models import Run
from tests.console.asking import ask, at, found, text, vote
from tests.console.test_pages import visible

HOME, HISTORY = "/admin/approvals/", "/admin/approvals/history/"
ANY_ID = "01a1fe1b-0000-7000-8000-000000000000"
ZH = {"headers": {"Accept-Language": "zh-TW"}}
YES = {"reason": "looked at it"}
CHINESE = r"[\u4e00-\u9fff]"


def listed(answer):
    return re.findall(r'class="aw-(?:row|asked)-link" href="[^"]*/([0-9a-f-]{36})/"', text(answer))


def link(answer, rel):
    told = re.search(rf'rel="{rel}" href="([^"]+)"', text(answer))
    return told and told[1]


def waiting(answer):
    told = re.search(r'<span class="aw-count">([^<]*)<', text(answer))
    return told[1] if told else ""


@pytest.fixture
def zoe(tenant, signed_in):
    return signed_in(name="zoe", member_of=["acme"], role=Role.APPROVER)


@pytest.fixture
def ben(tenant, signed_in):
    return signed_in(name="ben", platform_role=Role.APPROVER)


class TestInbox:
    def test_says_everything_that_a_decision_needs(self, zoe):
        asked = ask(risk="critical", required_signatures=2, lasts=timedelta(minutes=5),
                    blast_radius={"scope": "write", "affected_pods": 3,
                                  "related_services": ["cart", "pay"]})  # fmt: skip
        told = re.sub(r"\s+", " ", text(zoe.get(HOME)))
        for words in ("restart_deployment__observability", "sre-agent", "production", "key:abc",
                      '"namespace": "shop"', "Critical risk", "0 of 2", "Affected pods",
                      "cart, pay", at(asked, "approve"), at(asked, "reject")):  # fmt: skip
            assert words in told, words
        assert f'data-until="{timezone.localtime(asked.expires_at).isoformat()}"' in told
        assert re.search(r'aw-soon"[^>]*>4\sminutes<', told)

    def test_shows_the_oldest_first_and_each_once_in_both_directions(self, zoe, monkeypatch):
        monkeypatch.setattr("awooop.console.approvals.inbox.PER_PAGE", 2)
        made = [str(ask().approval_id) for _ in range(5)]
        seen, here, pages = [], HOME, []
        while here:
            pages.append(answer := zoe.get(here))
            seen.append(listed(answer))
            here = link(answer, "next") and HOME + link(answer, "next")
        assert [each for page in seen for each in page] == made
        assert listed(zoe.get(HOME + link(pages[-1], "prev"))) == seen[-2]
        assert link(pages[0], "prev") is None
        assert link(zoe.get(HOME + link(pages[1], "prev")), "prev") is None

    def test_is_of_ones_own_projects_only(self, zoe, new_tenant):
        new_tenant("bravo")
        ours, theirs = ask(), ask("bravo", agent_id="theirs")
        assert listed(zoe.get(HOME)) == [str(ours.approval_id)]
        assert listed(zoe.get(f"{HOME}?project=bravo")) == []
        assert waiting(zoe.get(HOME)) == "1"
        for path in (at(theirs), at(theirs, "approve"), f"{HOME}acme/{theirs.approval_id}/",
                     f"{HOME}acme/{ANY_ID}/", f"{HOME}acme/x/", at(ours, "maybe")):  # fmt: skip
            assert zoe.get(path).status_code == 404, path
        assert zoe.post(at(theirs, "approve"), YES).status_code == 404
        assert found(theirs).standing == Standing.PENDING

    def test_is_empty_with_a_word_of_why(self, zoe, signed_in):
        assert "Nothing waits for a decision" in text(zoe.get(HOME))
        assert "Nothing was decided yet" in text(zoe.get(HISTORY))
        assert "Nothing matches" in text(zoe.get(f"{HISTORY}?risk=high"))
        assert "nothing further" in text(zoe.get(f"{HOME}?newer_than={ids.new_id()}"))
        assert waiting(zoe.get(HOME)) == ""
        nobody = signed_in(name="nobody")
        for path in (HOME, HISTORY):
            assert "No project is open to you yet" in text(nobody.get(path))
        assert waiting(nobody.get(HOME)) == ""

    def test_cuts_long_arguments_and_leads_to_them_all(self, zoe):
        asked = ask(arguments={"patch": "x" * 2_000 + "END"})
        assert "END" not in text(zoe.get(HOME))
        assert "All arguments" in text(zoe.get(HOME))
        for path in (at(asked), at(asked, "approve")):
            assert "END" in text(zoe.get(path))

    def test_shows_nothing_hidden_nor_secret_nor_alive(self, zoe):
        ask(arguments={"a\u200bb": "<script>x</script>", "password": "hunter2-hunter2"})
        told = zoe.get(HOME).content.decode()
        assert "⟨U+200B⟩" in told
        assert "<script>x" not in told
        assert "hunter2" not in told


class TestSidebar:
    def test_counts_what_waits_up_to_a_hundred(self, zoe, monkeypatch):
        first = ask()
        second = ask()
        assert waiting(zoe.get("/admin/runs/")) == "2"
        vote(first, "zoe")
        assert waiting(zoe.get("/admin/runs/")) == "1"
        many(second, 120)
        assert waiting(zoe.get("/admin/runs/")) == "99+"

    def test_and_the_overview_names_the_oldest(self, zoe):
        assert "Waiting for a decision" not in text(zoe.get("/admin/"))
        made = [str(ask().approval_id) for _ in range(6)]
        assert listed(zoe.get("/admin/"))[:5] == made[:5]


class TestDeciding:
    def test_repeats_exactly_what_is_done_and_then_does_it(self, zoe):
        asked = ask()
        told = text(zoe.get(at(asked, "approve")))
        for words in ("Exactly this is done, once", '"namespace": "shop"', asked.action_sha256,
                      "last yes that is needed"):  # fmt: skip
            assert words in told, words
        assert found(asked).standing == Standing.PENDING
        told = text(zoe.post(at(asked, "approve"), YES, follow=True))
        made = found(asked)
        assert (made.standing, made.decided_by) == (Standing.APPROVED, "operator:zoe")
        for words in ("the call is made now", "looked at it", made.ticket_id, str(made.run_id)):
            assert words in told, words
        assert at(asked, "approve") not in told

    def test_a_no_ends_it(self, zoe):
        asked = ask(required_signatures=2)
        assert "One no is enough" in text(zoe.get(at(asked, "reject")))
        told = text(zoe.post(at(asked, "reject"), YES, follow=True))
        assert found(asked).standing == Standing.REJECTED
        assert "nothing is executed" in told

    def test_lets_the_run_go_on_at_once(self, zoe):
        asked = ask()
        zoe.post(at(asked, "approve"), YES)
        with tenant_tx("acme"):
            assert Run.objects.get(run_id=asked.run_id).state == "pending"

    def test_shows_what_a_person_has_edited(self, zoe):
        before = ask(required_signatures=2)
        with tenant_tx("acme"):
            Approval.objects.filter(approval_id=before.approval_id).update(
                standing=Standing.WITHDRAWN, disposition=Disposition.DENIED
            )
        changes = [{"at": "/name", "was": "web", "now": "a\u200bb"}, {"at": "/n", "was": 1}]
        asked = ask(run_id=before.run_id, is_edited=True, edited_from=before.approval_id,
                    changes=changes, requested_by="operator:zoe")  # fmt: skip
        told = text(zoe.get(at(asked)))
        for words in ("What was edited", "/name", '"web"', "⟨U+200B⟩", at(before)):
            assert words in told, words

    def test_takes_a_reason(self, zoe):
        asked = ask()
        for act in ("approve", "reject"):
            for reason in ("", " ", "x" * 501, "a\x00b"):
                answer = zoe.post(at(asked, act), {"reason": reason})
                assert answer.status_code == 422
                assert "aw-fault" in text(answer)
        assert found(asked).standing == Standing.PENDING

    def test_of_two_waits_for_the_second(self, zoe, ben):
        asked = ask(required_signatures=2)
        assert "1 other person must say yes after you." in text(zoe.get(at(asked, "approve")))
        told = text(zoe.post(at(asked, "approve"), YES, follow=True))
        assert "Your yes is counted: 1 of 2." in told
        assert "You have voted; it waits for others." in told
        assert zoe.post(at(asked, "approve"), YES).status_code == 409
        assert "1 of 2" in text(ben.get(HOME))
        ben.post(at(asked, "approve"), YES)
        assert found(asked).standing == Standing.APPROVED

    def test_does_not_count_who_is_no_approver_any_more(self, zoe, ben):
        asked = ask(required_signatures=2)
        vote(asked, "zoe")
        with tenant_tx("acme"):
            members.admit("acme", "zoe", Role.VIEWER, actor="t", at=timezone.now())
        told = text(ben.get(at(asked)))
        assert "0 of 2" in told
        assert "does not count any more" in told

    def test_is_not_for_whoever_asked(self, zoe, ben):
        asked = ask(requested_by="operator:zoe")
        for path in (HOME, at(asked)):
            told = text(zoe.get(path))
            assert "You asked for this yourself" in told
            assert at(asked, "approve") not in told
        assert zoe.get(at(asked, "approve")).status_code == 403
        answer = zoe.post(at(asked, "approve"), YES)
        assert (answer.status_code, "E-APPR-003" in text(answer)) == (403, True)
        assert found(asked).standing == Standing.PENDING
        assert at(asked, "approve") in text(ben.get(HOME))

    def test_is_for_whoever_asked_where_the_policy_says_so(self, zoe):
        asked = ask(requested_by="operator:zoe", requester_may_approve=True)
        zoe.post(at(asked, "approve"), YES)
        assert found(asked).standing == Standing.APPROVED

    def test_is_not_for_viewers(self, tenant, signed_in):
        asked, viewer = ask(), signed_in(member_of=["acme"])
        for path in (HOME, at(asked)):
            told = text(viewer.get(path))
            assert "takes the role approver" in told
            assert at(asked, "approve") not in told
        for act in ("approve", "reject"):
            assert viewer.get(at(asked, act)).status_code == 403
            assert viewer.post(at(asked, act), YES).status_code == 403
        assert found(asked).standing == Standing.PENDING

    def test_too_late_says_who_decided(self, zoe, ben):
        asked = ask()
        form = zoe.get(at(asked, "approve"))
        assert form.status_code == 200
        ben.post(at(asked, "reject"), {"reason": "not now"})
        answer = zoe.post(at(asked, "approve"), YES)
        assert answer.status_code == 409
        for words in ("Nothing waits for a decision here", "operator:ben", "not now", "Rejected"):
            assert words in text(answer), words
        assert found(asked).standing == Standing.REJECTED
        assert zoe.get(at(asked, "approve")).status_code == 409

    def test_is_over_when_time_is(self, zoe):
        asked = ask(lasts=timedelta(seconds=-1))
        assert "Nobody decided in time." in text(zoe.get(HOME))
        assert zoe.post(at(asked, "approve"), YES).status_code == 409
        expiry.expire()
        assert "Expired" in text(zoe.get(at(asked)))
        assert waiting(zoe.get(HOME)) == ""

    def test_needs_the_form_of_the_page(self, tenant, signed_in):
        client = signed_in(platform_role=Role.ADMIN, enforce_csrf_checks=True)
        asked = ask()
        for act in ("approve", "reject"):
            assert client.post(at(asked, act), YES).status_code == 403
        assert found(asked).standing == Standing.PENDING


class TestHistory:
    @pytest.fixture
    def decided(self, zoe):
        made = [ask(), ask(risk="high"), ask(agent_id="other"), ask()]
        for asked, decision in zip(made, (Decision.APPROVE, Decision.REJECT, Decision.APPROVE),
                                   strict=False):  # fmt: skip
            vote(asked, "zoe", decision)
        return [str(each.approval_id) for each in made]

    def test_shows_what_was_decided_and_filters_it(self, decided, zoe):
        one, two, three, _ = decided
        for query, expected in (("", [three, two, one]), ("standing=rejected", [two]),
                                ("risk=high", [two]), ("agent=other", [three]),
                                ("project=acme", [three, two, one]), ("project=none", []),
                                (f"older_than={three}", [two, one])):  # fmt: skip
            assert listed(zoe.get(f"{HISTORY}?{query}")) == expected, query

    def test_tells_what_became_of_it(self, decided, zoe):
        with tenant_tx("acme"):
            Approval.objects.filter(approval_id=decided[0]).update(
                disposition=Disposition.FAILED,
                result={"call_id": ANY_ID, "status": "error", "code": "E-MCP-UP-001",
                        "reason": "refused", "content": [{"text": "a\u200bb"}],
                        "structured": None, "is_error": True},
            )  # fmt: skip
        told = text(zoe.get(f"{HOME}acme/{decided[0]}/"))
        for words in ("Approved, and failed", "E-MCP-UP-001", "refused", "⟨U+200B⟩",
                      f"/admin/calls/acme/{ANY_ID}/"):  # fmt: skip
            assert words in told, words
        assert "Approved, and failed" in text(zoe.get(HISTORY))


class TestTimeline:
    def test_tells_of_the_request_and_of_each_vote(self, zoe, ben):
        asked = ask(required_signatures=2)
        vote(asked, "zoe", reason="fine by me")
        vote(asked, "ben", Decision.REJECT, "not now")
        told = text(zoe.get(f"/admin/runs/{asked.run_id}/"))
        for words in ("Approval asked for: restart_deployment", "Vote of operator:zoe",
                      "fine by me", "Vote of operator:ben", "signatures needed"):  # fmt: skip
            assert words in told, words
        items = zoe.get(f"/v1/platform/runs/{asked.run_id}/detail").json()["timeline"]
        kinds = [(each["status"], each["title"]) for each in items if each["kind"] == "approval"]
        assert [status for status, _title in kinds][:3] == ["rejected", "yes", "no"]


class TestCost:
    def test_is_the_same_for_one_request_and_for_ten_thousand(self, zoe, monkeypatch):
        sent, send = [], db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )

        def cost(path):
            sent.clear()
            with CaptureQueriesContext(connection) as captured:
                assert zoe.get(path).status_code == 200
            return len(sent), len(captured)

        asked = ask()
        vote(ask(), "zoe")
        paths = (HOME, HISTORY, "/admin/", at(asked))
        one = [cost(path) for path in paths]
        many(asked, 10_000)
        assert [cost(path) for path in paths] == one
        tables = {name for sql in sent for name in re.findall(r"count\(\*\) FROM (\w+)", sql)}
        assert tables == set()


class TestPages:
    @pytest.fixture
    def paths(self, zoe, ben):
        asked, ended, own = ask(required_signatures=2, risk="high"), ask(), ask(
            requested_by="operator:zoe", lasts=timedelta(seconds=30)
        )  # fmt: skip
        vote(asked, "ben")
        vote(ended, "ben")
        with tenant_tx("acme"):
            Approval.objects.filter(approval_id=ended.approval_id).update(
                disposition=Disposition.EXECUTED,
                result={"call_id": ANY_ID, "status": "success", "content": []},
            )
        return [HOME, HISTORY, f"{HISTORY}?standing=expired", f"{HOME}?newer_than={ANY_ID}",
                f"{HOME}?newer_than={ids.new_id()}", at(asked), at(ended), at(own), "/admin/",
                at(asked, "approve"), at(asked, "reject"), at(own, "approve"),
                f"/admin/runs/{asked.run_id}/"]  # fmt: skip

    def test_are_wholly_chinese_when_asked_for_in_chinese(self, paths, zoe):
        data = {"AwoooP", "API", "UTC", "USD", "English", "acme", "zoe", "ben", "operator", "sre",
                "agent", "key", "abc", "seen", "web", "shop", "restart", "observability", "name",
                "production", "restart_deployment__observability", "namespace", "Restart",
                "waits", "operator_console", "approve", "call", "came", "without", "run",
                "approved"}  # fmt: skip
        for path in paths:
            told = visible(zoe.get(path, **ZH))
            told = re.sub(r"\b[0-9a-f-]{8,}\b|E-[A-Z]+-\d+", " ", told)
            assert set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", told)) - data == set(), path

    def test_have_a_title_one_heading_landmarks_and_no_inline_script_or_style(self, paths, zoe):
        for path in paths:
            told = zoe.get(path).content.decode()
            assert re.search(r"<title>[^|<]+ \| AwoooP</title>", told), path
            assert [told.count(f"<{tag}") for tag in ("h1", "main", "header class")] == [1] * 3
            assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=", told), path

    def test_are_translated_with_every_code_and_name(self):
        labels = [each for kind in (Standing, Disposition, Risk) for each in kind.labels]
        labels += [Approval._meta.verbose_name, Approval._meta.verbose_name_plural]
        codes = [code for code in Code if code.value.startswith("E-APPR-")]
        with translation.override("zh-hant"):
            told = [str(label) for label in labels]
            told += [each for code in codes for each in (gettext(code.title), gettext(code.hint))]
        assert [each for each in told if not re.search(CHINESE, each)] == []


def many(asked, count):
    """Make many requests like one, as fast as the database can."""
    with tenant_tx("acme"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO awooop_approval SELECT (jsonb_populate_record(a, jsonb_build_object("
            " 'approval_id', lpad(to_hex(g), 32, '0')::uuid, 'action_sha256', g::text))).*"
            " FROM awooop_approval a, generate_series(1, %s) g WHERE a.approval_id = %s",
            [count, asked.approval_id],
        )
