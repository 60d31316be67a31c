"""The console's pages, as the people who sign in meet them."""

import re
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from awooop.audit.acts import Act, Outcome
from awooop.errors import Code
from awooop.kit import db, ids
from awooop.kit.db import global_tx, pipe, tenant_tx
from awooop.tenants.models import Member, Operator, Role
from awooop.tenants.modes import Mode
from contracts.models import ContractRevision, Lifecycle
from runs import queries, worker
from runs.fsm import State
from runs.models import StepStatus, Trigger

RUNS = "/admin/runs/"
PASSWORD = "a-long-Pass-phrase-1"
ANY_ID = "01a1fe1b-0000-7000-8000-000000000000"
ZH = {"headers": {"Accept-Language": "zh-TW"}}


def person(name="ann", platform_role="", member_of=(), role=Role.VIEWER, **fields):
    with global_tx():
        made = Operator.objects.create_user(
            name, password=PASSWORD, platform_role=platform_role, **fields
        )
    for project_id in member_of:
        with tenant_tx(project_id):
            Member.objects.create(
                project_id=project_id, operator=made, role=role, created_at=timezone.now()
            )
    return made


def signed_in(made, **options):
    client = Client(**options)
    client.force_login(made, backend="django.contrib.auth.backends.ModelBackend")
    return client


def start(tenant, count=1, **changes):
    body = {"agent_id": tenant.agent_id, "input": {"q": 1}, **changes}
    return [tenant.post("/v1/platform/runs", body).json()["run_id"] for _ in range(count)]


def listed(response):
    return re.findall(r'class="aw-row-link" href="/admin/runs/([0-9a-f-]{36})/"', page(response))


def page(response):
    return response.content.decode()


def link(response, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page(response))
    return RUNS + unescape(found[1]) if found else None


def alike(response):
    """The page without what differs between any two answers."""
    text = re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", page(response))
    return response.status_code, text


def visible(response):
    """What people read or hear on a page: texts and labels, without icons and codes."""
    text = re.sub(r'<span class="material-symbols-outlined"[^>]*>.*?</span>', "", page(response))
    text = re.sub(r"<code>.*?</code>", "", text, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|placeholder|data-label)="([^"]*)"', text)
    return unescape(" ".join([re.sub(r"<[^>]*>", " ", text), *labels]))


@pytest.fixture
def admin(tenant):
    return signed_in(person(platform_role=Role.ADMIN))


class TestSignIn:
    def test_lets_in_an_account_that_is_not_staff(self, clean):
        person()
        answer = Client().post("/admin/login/", {"username": "ann", "password": PASSWORD})
        assert answer.status_code == 302

    def test_says_so_when_the_password_is_wrong(self, clean):
        person()
        answer = Client().post("/admin/login/", {"username": "ann", "password": "no"})
        assert answer.status_code == 200
        assert "aw-error" in page(answer)

    def test_refuses_an_account_that_is_switched_off(self, clean):
        person(is_active=False)
        answer = Client().post("/admin/login/", {"username": "ann", "password": PASSWORD})
        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["/admin/", RUNS, "/admin/tenants/", RUNS + "x/cancel/"])
    def test_is_asked_for_before_any_page(self, clean, path):
        assert Client().get(path).headers["Location"].startswith("/admin/login/")

    def test_ends_with_signing_out(self, admin):
        assert "signed out" in page(admin.post("/admin/logout/"))
        assert admin.get(RUNS).status_code == 302

    def test_lets_people_change_their_password(self, admin):
        new = "another-Phrase-22"
        body = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        assert admin.get("/admin/password_change/").status_code == 200
        assert admin.post("/admin/password_change/", body, follow=True).status_code == 200
        assert Operator.objects.get().check_password(new)

    def test_locks_out_whoever_guesses_too_often(self, clean, settings):
        settings.AXES_ENABLED = True
        person()
        guess = {"username": "ann", "password": "no"}
        answers = [
            Client().post("/admin/login/", guess) for _ in range(settings.AXES_FAILURE_LIMIT)
        ]
        assert answers[-1].status_code == 429
        assert "Too many attempts" in page(answers[-1])


class TestWhoSeesWhat:
    def test_a_person_without_any_role_is_told_so(self, tenant):
        start(tenant)
        client = signed_in(person())
        for path in ("/admin/", RUNS, "/admin/tenants/"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert "No project is open to you yet" in page(answer)

    def test_a_superuser_without_a_role_sees_no_tenant(self, tenant):
        (run_id,) = start(tenant)
        client = signed_in(person(is_superuser=True, is_staff=True))
        assert "No project is open to you yet" in page(client.get(RUNS))
        assert client.get(f"{RUNS}{run_id}/").status_code == 404

    def test_a_member_sees_their_project_only(self, new_tenant):
        ours, theirs = new_tenant("ours"), new_tenant("theirs")
        (mine,), (other,) = start(ours), start(theirs)
        client = signed_in(person(member_of=["ours"], role=Role.ADMIN))
        for path in ("/admin/", RUNS, RUNS + "?project=theirs", "/admin/tenants/"):
            answer = client.get(path)
            assert other not in page(answer)
            assert answer.status_code == 200
        assert listed(client.get(RUNS)) == [mine]
        assert client.get(f"{RUNS}{other}/").status_code == 404
        assert client.post(f"{RUNS}{other}/cancel/").status_code == 404
        with pipe() as p, p.tenant_tx("theirs"):
            assert queries.one(p, UUID(other))["state"] == "pending"

    def test_a_platform_viewer_sees_all(self, new_tenant):
        expected = [*start(new_tenant("one")), *start(new_tenant("two"))]
        client = signed_in(person(platform_role=Role.VIEWER))
        assert sorted(listed(client.get(RUNS))) == sorted(expected)


class TestListing:
    def _cost(self, client, path, monkeypatch):
        sent = []
        send = db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        monkeypatch.setattr(db.Pipe, "send", send)
        return len(sent), len(captured)

    @pytest.mark.parametrize("path", ["/admin/", RUNS])
    def test_costs_the_same_for_one_run_and_for_sixty(self, tenant, monkeypatch, path):
        client = signed_in(person(member_of=["acme"]))
        start(tenant)
        one = self._cost(client, path, monkeypatch)
        start(tenant, 59)
        assert self._cost(client, path, monkeypatch) == one

    def test_reads_nothing_of_a_tenant_while_rendering(self, admin, tenant):
        start(tenant, 3)
        with CaptureQueriesContext(connection) as captured:
            admin.get(RUNS)
        tables = {name for query in captured for name in re.findall(r'"(\w+)"', query["sql"])}
        assert not {name for name in tables if name.startswith("awooop_run")}

    def test_visits_every_run_once_downwards_and_upwards(self, admin, tenant):
        expected = sorted(start(tenant, 120), reverse=True)
        seen, here = [], RUNS
        while here:
            answer = admin.get(here)
            seen += listed(answer)
            here = link(answer, "next")
        assert seen == expected
        newer = []
        here = link(answer, "prev")
        while here:
            answer = admin.get(here)
            newer = [*listed(answer), *newer]
            here = link(answer, "prev")
        assert newer + expected[-20:] == expected

    def test_takes_each_filter_and_keeps_it_in_the_links(self, admin, new_tenant):
        live = new_tenant("living", mode=Mode.ACTIVE)
        (shadow,), (real,) = start(new_tenant("shady")), start(live)
        for query, expected in {
            "project=living": [real],
            "kind=shadow": [shadow],
            "kind=live": [real],
            "state=pending": [real, shadow],
            "state=failed": [],
            "agent=sre-agent": [real, shadow],
            "agent=nobody": [],
            "since=hour": [real, shadow],
            "project=living&kind=shadow": [],
            "project=&agent=&state=": [real, shadow],
        }.items():
            assert listed(admin.get(f"{RUNS}?{query}")) == expected, query
        text = unescape(page(admin.get(f"{RUNS}?project=living&per_page=100")))
        assert "?project=living&per_page=100&state=failed" in text

    @pytest.mark.parametrize(
        "query",
        [
            "state=nonsense",
            "project=NOT%20ONE",
            "since=yesterday",
            "kind=both",
            "per_page=7",
            "per_page=1e9",
            "older_than=1",
            "agent=%00",
            "agent=" + "x" * 302,
            f"older_than={ANY_ID}&newer_than={ANY_ID}",
        ],
    )
    def test_answers_a_wrong_value_with_the_page_and_a_message(self, admin, query):
        answer = admin.get(f"{RUNS}?{query}")
        assert answer.status_code == 400
        assert "has a value that cannot be used" in page(answer)

    def test_escapes_what_it_shows(self, admin):
        text = page(admin.get(RUNS, {"agent": '"><script>alert(1)</script>'}))
        assert "<script>alert" not in text

    def test_explains_an_empty_list(self, admin):
        assert "No runs yet" in page(admin.get(RUNS))
        assert "Nothing matches" in page(admin.get(RUNS + "?state=failed"))
        oldest = ids.floor_id(timezone.now() - timezone.timedelta(days=9))
        assert "Nothing on this page" in page(admin.get(f"{RUNS}?older_than={oldest}"))

    def test_counts_no_further_than_it_must(self, admin, tenant, monkeypatch):
        monkeypatch.setattr(queries, "COUNT_UP_TO", 3)
        start(tenant, 3)
        assert "3 runs" in page(admin.get(RUNS))
        start(tenant)
        assert "More than 1,000 runs" in page(admin.get(RUNS))


class TestDetail:
    def test_tells_what_happened_in_order(self, admin, tenant):
        (run_id,) = start(tenant)
        worker.drain(worker="w")
        text = page(admin.get(f"{RUNS}{run_id}/"))
        assert "2 steps blocked" in text
        created, claimed = text.index("Run created"), text.index("Claimed by a worker")
        assert created < claimed < text.index("Step 1:") < text.index("Step 6:")
        assert "shadow mode stopped it" in text

    def test_pages_a_long_timeline(self, admin, tenant, monkeypatch):
        (run_id,) = start(tenant)
        worker.drain(worker="w")
        monkeypatch.setattr("awooop.console.timeline.PER_PAGE", 4)
        here, lines = f"{RUNS}{run_id}/", 0
        while here:
            answer = admin.get(here)
            lines += page(answer).count('<li class="aw-line')
            found = re.search(r'rel="next" href="([^"]+)"', page(answer))
            here = unescape(found[1]) if found else None
        assert lines == 9

    def test_says_what_went_wrong_and_what_to_do(self, admin, tenant):
        (run_id,) = start(tenant)
        admin.post(f"{RUNS}{run_id}/cancel/", {"reason": "false alarm"})
        text = page(admin.get(f"{RUNS}{run_id}/"))
        assert Code.RUN_CANCELLED.value in text
        assert Code.RUN_CANCELLED.hint in text
        assert "false alarm" in text

    def test_answers_alike_for_anothers_a_missing_and_a_malformed_run(self, new_tenant):
        new_tenant("ours")
        (other,) = start(new_tenant("theirs"))
        client = signed_in(person(member_of=["ours"], role=Role.ADMIN))
        names = [other, str(uuid4()), "not-a-uuid", other.replace("-", "")]
        answers = {alike(client.get(f"{RUNS}{name}/")) for name in names}
        answers |= {alike(client.get(f"{RUNS}{name}/cancel/")) for name in names}
        assert [status for status, _text in answers] == [404]

    @pytest.mark.parametrize("number", ["0", "-1", "x", "2", "99999", "²"])
    def test_has_no_page_beyond_the_last(self, admin, tenant, number):
        (run_id,) = start(tenant)
        assert admin.get(f"{RUNS}{run_id}/", {"page": number}).status_code == 404


class TestCancel:
    def test_asks_first_and_then_cancels(self, tenant):
        (run_id,) = start(tenant)
        client = signed_in(person(member_of=["acme"], role=Role.APPROVER))
        assert f"{RUNS}{run_id}/cancel/" in page(client.get(f"{RUNS}{run_id}/"))
        assert "Cancel this run?" in page(client.get(f"{RUNS}{run_id}/cancel/"))
        answer = client.post(f"{RUNS}{run_id}/cancel/", {"reason": "no"}, follow=True)
        assert "The run is cancelled." in page(answer)
        assert "operator:ann" in page(answer)
        assert f"{RUNS}{run_id}/cancel/" not in page(answer)

    def test_is_refused_to_a_viewer(self, tenant):
        (run_id,) = start(tenant)
        client = signed_in(person(member_of=["acme"]))
        assert f"{RUNS}{run_id}/cancel/" not in page(client.get(f"{RUNS}{run_id}/"))
        assert client.get(f"{RUNS}{run_id}/cancel/").status_code == 403
        assert client.post(f"{RUNS}{run_id}/cancel/").status_code == 403
        with pipe() as p, p.tenant_tx("acme"):
            assert queries.one(p, UUID(run_id))["state"] == "pending"

    def test_says_when_the_run_had_ended(self, admin, tenant):
        (run_id,) = start(tenant)
        worker.drain(worker="w")
        for ask in (admin.get, admin.post):
            assert "had ended before" in page(ask(f"{RUNS}{run_id}/cancel/", follow=True))
        answer = admin.get(f"{RUNS}{run_id}/")
        assert "Completed" in page(answer)

    def test_says_so_when_the_run_ends_between_asking_and_doing(self, admin, tenant, monkeypatch):
        (run_id,) = start(tenant)
        monkeypatch.setattr("awooop.console.run_detail._has_ended", lambda run: False)
        worker.drain(worker="w")
        answer = admin.post(f"{RUNS}{run_id}/cancel/", {"reason": "no"}, follow=True)
        assert "had ended before" in page(answer)

    def test_needs_the_forms_own_token(self, tenant):
        (run_id,) = start(tenant)
        client = signed_in(person(platform_role=Role.ADMIN), enforce_csrf_checks=True)
        assert client.post(f"{RUNS}{run_id}/cancel/").status_code == 403

    def test_takes_no_reason_that_a_row_cannot_hold(self, admin, tenant):
        (run_id,) = start(tenant)
        for reason in ("a\x00b", "x" * 301):
            answer = admin.post(f"{RUNS}{run_id}/cancel/", {"reason": reason})
            assert answer.status_code == 200
            assert "aw-fault" in page(answer)


class TestOverview:
    def test_counts_the_last_day_by_state(self, admin, tenant):
        start(tenant, 3)
        worker.drain(worker="w")
        start(tenant, 2)
        text = re.sub(r"\s+", " ", visible(admin.get("/admin/")))
        assert "Pending 2" in text
        assert "Completed 3" in text

    def test_stops_counting_at_a_thousand(self, admin, tenant, monkeypatch):
        monkeypatch.setattr(queries, "COUNT_UP_TO", 2)
        start(tenant, 3)
        assert "2+" in visible(admin.get("/admin/"))

    def test_lists_projects_with_their_mode(self, admin, new_tenant):
        new_tenant("living", mode=Mode.ACTIVE)
        text = visible(admin.get("/admin/tenants/"))
        assert "living" in text
        assert "Active" in text


class TestAccounts:
    HOME = "/admin/tenants/operator/"

    def test_are_for_platform_admins_only(self, tenant):
        for made in (
            person("viewer", platform_role=Role.APPROVER),
            person("member", member_of=["acme"], role=Role.ADMIN),
        ):
            client = signed_in(made)
            assert client.get(self.HOME).status_code == 403
            assert client.get(f"{self.HOME}add/").status_code == 403
            assert self.HOME not in page(client.get("/admin/"))

    def test_can_be_made_changed_and_given_a_password(self, admin):
        body = {"username": "ben", "platform_role": "", "password1": PASSWORD}
        admin.post(f"{self.HOME}add/", {**body, "password2": PASSWORD})
        ben = Operator.objects.get(username="ben")
        assert (ben.is_staff, ben.is_superuser, ben.platform_role) == (False, False, "")
        changed = {"username": "ben", "platform_role": "viewer", "is_active": "on"}
        assert admin.post(f"{self.HOME}{ben.pk}/change/", changed).status_code == 302
        new = {"password1": "another-Phrase-22", "password2": "another-Phrase-22"}
        assert admin.post(f"{self.HOME}{ben.pk}/password/", new).status_code == 302
        ben.refresh_from_db()
        assert ben.platform_role == Role.VIEWER
        assert ben.check_password(new["password1"])
        assert admin.get(self.HOME).status_code == 200

    def test_keep_the_last_admin_in(self, admin):
        me = Operator.objects.get()
        admin.post(f"{self.HOME}{me.pk}/change/", {"username": "ann", "platform_role": ""})
        me.refresh_from_db()
        assert (me.platform_role, me.is_active) == (Role.ADMIN, True)

    def test_are_never_deleted(self, admin):
        me = Operator.objects.get()
        assert admin.post(f"{self.HOME}{me.pk}/delete/", {"post": "yes"}).status_code == 403


class TestEveryPage:
    def paths(self, run_id):
        return ["/admin/", RUNS, f"{RUNS}{run_id}/", f"{RUNS}{run_id}/cancel/", "/admin/tenants/",
                RUNS + "?state=failed", RUNS + "?state=x", RUNS + "nothing/", "/admin/nothing/",
                "/admin/password_change/", "/admin/audit/", "/admin/audit/?project=acme",
                "/admin/audit/?project=*", "/admin/audit/?project=acme&act=key.revoked",
                "/admin/audit/?project=acme&act=x", *self.contracts()]  # fmt: skip

    def contracts(self):
        with tenant_tx("acme"):
            made = ContractRevision.objects.filter(contract_family="agent").first().revision_id
        one = f"/admin/contracts/{made}/"
        return ["/admin/contracts/", "/admin/contracts/?status=x", one, f"{one}retire/"]

    def test_allows_no_inline_script_or_style(self, admin, tenant):
        (run_id,) = start(tenant)
        for path in [*self.paths(run_id), "/admin/login/"]:
            answer = admin.get(path, follow=True)
            assert "unsafe" not in answer.headers["Content-Security-Policy"], path
            assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=", page(answer)), path

    def test_has_a_title_one_heading_and_landmarks(self, admin, tenant):
        (run_id,) = start(tenant)
        for path in self.paths(run_id):
            text = page(admin.get(path))
            assert re.search(r"<title>[^|<]+ \| AwoooP</title>", text), path
            assert [text.count(f"<{tag}") for tag in ("h1", "main", "header class")] == [1] * 3

    def test_is_wholly_chinese_when_asked_for_in_chinese(self, admin, tenant):
        (run_id,) = start(tenant)
        (ended,) = start(tenant)
        admin.post(f"{RUNS}{ended}/cancel/", **ZH)
        worker.drain(worker="w")
        data = {"AwoooP", "API", "USD", "UTC", "English", "acme", "ann", "sre", "agent", "run_id",
                "operator", "manage", "onboard_tenant", "awooop", "test", "shell"}  # fmt: skip
        for path in [*self.paths(run_id), f"{RUNS}{ended}/", "/admin/login/"]:
            client = Client() if "login" in path else admin
            text = visible(client.get(path, **ZH))
            text = re.sub(r"\b[0-9a-f-]{8,}\b", " ", text)
            words = set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", text)) - data
            tools = {"get_pods", "get_pod_logs", "query_metrics", "list_alerts",
                     "restart_deployment", "delete_pod", "observability", "default"}  # fmt: skip
            assert words <= tools, path

    def test_can_be_switched_to_chinese(self, admin):
        answer = admin.post("/i18n/setlang/", {"language": "zh-hant", "next": RUNS}, follow=True)
        assert '<html lang="zh-hant"' in page(answer)
        assert "執行" in page(answer)


class TestTranslation:
    def test_covers_every_state_role_and_error_of_a_run(self):
        families = (State, Trigger, StepStatus, Mode, Role, Act, Outcome, Lifecycle)
        labels = [each for family in families for each in family.labels if each != "API"]
        told = ("E-RUN-", "E-AUDIT-", "E-CONTRACT-")
        codes = [code for code in Code if code.value.startswith(told)]
        with translation.override("zh-hant"):
            translated = [str(label) for label in labels]
            texts = [text for code in codes for text in (gettext(code.title), gettext(code.hint))]
        assert all(re.search(r"[\u4e00-\u9fff]", text) for text in [*translated, *texts])

    def test_is_compiled_from_what_is_written(self):
        home = settings.LOCALE_PATHS[0] / "zh_Hant" / "LC_MESSAGES"
        assert (home / "django.mo").exists()
        single = re.findall(
            r'^msgid "(.+)"\nmsgstr "(.*)"$', (home / "django.po").read_text(), re.MULTILINE
        )
        with translation.override("zh-hant"):
            for written, meant in single:
                told = gettext(written.replace('\\"', '"'))
                assert told == meant.replace('\\"', '"')
                assert meant

    def test_names_the_pages_it_links_to(self):
        assert reverse("admin:run-list") == RUNS
