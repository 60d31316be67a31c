"""Budgets in the console, as viewers and admins meet them."""

import re
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from awooop.kit import db
from awooop.kit.db import tenant_tx
from awooop.ledger.limits import Limit
from awooop.ledger.models import Level, Period
from awooop.tenants.models import Project, Role
from runs import leases
from runs import money as runs_money

HOME = "/admin/budgets/"
ACME = HOME + "acme/"
SETTING = ACME + "limit/"
ZH = {"headers": {"Accept-Language": "zh-TW"}}


def page(response):
    return response.content.decode()


def words(response):
    """What people read or hear, without icons, codes, and numbers' own spaces."""
    text = re.sub(r'<span class="material-symbols-outlined"[^>]*>.*?</span>', "", page(response))
    labels = re.findall(r'(?:aria-label|title|data-label)="([^"]*)"', text)
    text = re.sub(r"<(code|title)>.*?</\1>", "", text)
    return unescape(re.sub(r"\s+", " ", " ".join([re.sub(r"<[^>]*>", " ", text), *labels])))


def link(response, rel="next"):
    found = re.search(rf'rel="{rel}" href="([^"#]+)', page(response))
    return unescape(found[1]) if found else None


def alike(response):
    text = re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", page(response))
    return response.status_code, text


@pytest.fixture
def admin(tenant, signed_in):
    return signed_in(member_of=["acme"], role=Role.ADMIN)


@pytest.fixture
def purse(tenant, money):
    return money("acme")


@pytest.fixture
def cost(monkeypatch):
    """What a page costs: statements through pipes, and through Django."""

    def measure(client, path):
        sent, send = [], db.Pipe.send
        with monkeypatch.context() as patch, CaptureQueriesContext(connection) as captured:
            patch.setattr(
                db.Pipe, "send", lambda p, sql, *rest: (sent.append(sql), send(p, sql, *rest))[1]
            )
            assert client.get(path).status_code == 200
        return len(sent), len(captured)

    return measure


class TestListing:
    def test_shows_this_month_and_today_with_their_alarm(self, admin, purse):
        purse.limit(usd="10")
        purse.limit(period=Period.DAY, usd="8.40")
        purse.spend("8.2")
        purse.reserve("0.1")

        told = words(admin.get(HOME))

        assert "82 % spent 8.20 0.10 10.00 1.70 97 % spent" in told
        assert "82 % spent, 1 % reserved" in told

    def test_takes_the_scarcer_of_money_and_tokens_for_the_alarm(self, admin, purse):
        purse.limit(usd="100", tokens=100)
        purse.spend("1", tokens=95)
        assert "95 % spent" in words(admin.get(HOME))

    def test_says_where_there_is_no_limit(self, admin):
        assert "No limit" in words(admin.get(HOME))

    def test_shows_only_projects_that_the_person_may_see(self, new_tenant, signed_in):
        new_tenant("ours")
        new_tenant("theirs")
        told = page(signed_in(member_of=["ours"]).get(HOME))
        assert "ours" in told
        assert "theirs" not in told

    def test_tells_those_without_a_role_that_there_is_nothing(self, tenant, signed_in):
        assert "acme" not in page(signed_in().get(HOME))

    def test_goes_on_by_key_and_costs_the_same_for_more(
        self, new_tenant, signed_in, cost, monkeypatch
    ):
        monkeypatch.setattr("awooop.console.budgets.listing.PER_PAGE", 2)
        client = signed_in(platform_role=Role.VIEWER)
        new_tenant("aa")
        one = cost(client, HOME)
        for name in ("bb", "cc", "dd", "ee"):
            new_tenant(name)
        assert cost(client, HOME) == one

        seen, here = [], ""
        while here is not None:
            answer = client.get(HOME + here)
            seen += re.findall(rf'href="{HOME}(\w+)/"', page(answer))
            here = link(answer)
        assert seen == ["aa", "bb", "cc", "dd", "ee"]

    def test_is_asked_for_after_signing_in(self, client, clean):
        for path in (HOME, ACME, SETTING):
            assert client.get(path).headers["Location"].startswith("/admin/login/")


class TestDetail:
    def test_shows_spent_reserved_and_left_of_the_day_and_the_month(self, admin, purse):
        purse.limit(usd="100", tokens=5000)
        purse.spend("2.5", tokens=300)
        purse.reserve("0.5", tokens=20)

        told = words(admin.get(ACME))

        assert "2.50 of 100.00 USD spent" in told
        assert "Reserved (USD) 0.50 Left (USD) 97.00 Calls 1" in told
        assert "Tokens spent 300 Tokens reserved 20 Tokens left 4,680" in told

    def test_draws_each_day_and_tells_it_in_a_table(self, admin, purse):
        purse.limit(period=Period.DAY, usd="3")
        purse.spend("2")

        text = page(admin.get(ACME))

        assert text.count('class="aw-bar"') == 31
        assert text.count('height="0.00"') == 30
        assert "most on" in words(admin.get(ACME))
        assert 'class="aw-limit"' in text
        assert text.count('<tr><th scope="row">20') == 31

    def test_says_when_nothing_was_spent_limited_or_noted(self, admin):
        told = words(admin.get(ACME))
        for text in ("Nothing was spent", "No limit is set", "No agent has spent",
                     "None: at 50, 80", "No entries yet"):  # fmt: skip
            assert text in told

    def test_does_not_promise_endless_money_under_a_ceiling(self, admin):
        with tenant_tx("acme"):
            Project.objects.update(budget_limit_usd=Decimal(20))
        told = words(admin.get(ACME))
        assert "ceiling is 20.00 USD a month" in told
        assert "as much as it likes" not in told

    def test_shows_agents_thresholds_and_the_ledger(self, admin, purse):
        purse.limit(Level.AGENT, Period.MONTH, usd="4", agent="sre")
        purse.spend("2", agent="sre")
        purse.reserve("9", agent="sre")
        purse.spend("1", agent="writer")

        told = words(admin.get(ACME))

        assert "sre 50 % spent 2.00 0.00 2.00" in told
        assert "50 % reached Agent sre, per month since" in told
        assert "Refused It does not fit: Each agent, per month" in told
        assert "Settled writer" in told

    def test_pages_the_ledger_by_key(self, admin, purse, monkeypatch):
        monkeypatch.setattr("awooop.console.budgets.detail.ENTRIES", 3)
        for _ in range(4):
            purse.spend("1")
        seen, here = 0, ""
        while here is not None:
            answer = admin.get(ACME + here)
            seen += len(
                re.findall(r"aw-badge[^>]*>(?:(?!</tr>).)*model:test", page(answer), re.DOTALL)
            )
            here = link(answer)
        assert seen == 8

    def test_pages_limits_by_key(self, admin, purse, monkeypatch):
        monkeypatch.setattr("awooop.console.budgets.detail.LIMITS", 2)
        for agent in ("a", "b", "c"):
            purse.limit(Level.AGENT, Period.DAY, agent=agent)
        seen, here = [], ""
        while here is not None:
            answer = admin.get(ACME + here)
            seen += re.findall(r">Agent (\w), per day</a>", page(answer))
            here = link(answer)
        assert seen == ["a", "b", "c"]

    def test_costs_the_same_for_one_agent_and_for_a_thousand(self, admin, purse, cost):
        purse.spend("1")
        one = cost(admin, ACME)
        with tenant_tx("acme"), connections["default"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO awooop_budget_ledger (entry_id, project_id, kind, reservation_id,"
                " agent_id, usd, tokens, purpose, actor) SELECT gen_random_uuid(), 'acme',"
                " 'reserve', gen_random_uuid(), 'a' || n, 0.1, 1, 'x', 'y'"
                " FROM generate_series(1, 1000) n"
            )
            cursor.execute(
                "INSERT INTO awooop_budget (project_id, scope, agent_id, period, limit_usd,"
                " changed_by, changed_at) SELECT 'acme', 'agent', 'a' || n, 'day', 1, 'y', now()"
                " FROM generate_series(1, 1000) n"
            )
        assert cost(admin, ACME) == one
        text = page(admin.get(ACME))
        assert "the 50 that spent most" in text
        assert len(text) < 200_000

    def test_answers_alike_for_anothers_a_missing_and_an_impossible_project(
        self, new_tenant, signed_in
    ):
        new_tenant("ours")
        new_tenant("theirs")
        client = signed_in(member_of=["ours"], role=Role.ADMIN)
        paths = [f"{HOME}{name}/{end}" for name in ("theirs", "nobody", "N%00", "a'b")
                 for end in ("", "limit/")]  # fmt: skip
        assert [status for status, _ in {alike(client.get(path)) for path in paths}] == [404]
        assert client.post(HOME + "theirs/limit/", {"act": "set"}).status_code == 404

    @pytest.mark.parametrize("query", ["older_than=1", "limits=x", "limits=%00", "older_than=%00"])
    def test_has_no_page_that_cannot_be(self, admin, query):
        assert admin.get(f"{ACME}?{query}").status_code == 404

    def test_offers_the_form_to_admins_only(self, tenant, signed_in, purse):
        purse.limit()
        assert SETTING in page(signed_in(name="a", member_of=["acme"], role=Role.ADMIN).get(ACME))
        for role in (Role.VIEWER, Role.APPROVER):
            text = page(signed_in(name=role, member_of=["acme"], role=role).get(ACME))
            assert SETTING not in text
            assert "Project, per month" in text


class TestSetting:
    ASKED = {"place": "project:month", "usd": "25.50", "tokens": "", "act": "set"}

    def test_asks_first_and_then_sets(self, admin, purse):
        purse.limit(usd="10")

        asking = admin.post(SETTING, self.ASKED)
        assert "Now 10.00 USD Then 25.50 USD" in words(asking)
        assert purse.standing() == Limit(Decimal(10), None)

        hidden = dict(re.findall(r'type="hidden" name="(\w+)"(?: value="([^"]*)")?', page(asking)))
        answer = admin.post(SETTING, hidden, follow=True)

        assert "The limit is set" in page(answer)
        assert purse.standing() == Limit(Decimal("25.5"), None)
        target, actor, facts = purse.evidence()[-1]
        assert (target, actor) == ("project:month", "operator:ann")
        assert '"usd": "10.0000000000"' in facts
        assert '"usd": "25.5000000000"' in facts

    def test_asks_first_and_then_clears(self, admin, purse):
        purse.limit(Level.AGENT, Period.DAY, usd="1", tokens=5, agent="sre")
        asked = {"place": "agent:day", "agent": "sre", "act": "clear"}

        assert "Now 1.00 USD · 5 tokens Then No limit" in words(admin.post(SETTING, asked))
        admin.post(SETTING, {**asked, "seen": "1/5"})

        assert purse.standing(Level.AGENT, Period.DAY, "sre") is None
        assert purse.evidence()[-1][0] == "agent:sre:day"

    def test_asks_again_when_somebody_changed_it_meanwhile(self, admin, purse):
        purse.limit(usd="11")
        answer = admin.post(SETTING, {**self.ASKED, "seen": "10/None"})
        assert "Somebody changed this limit meanwhile" in words(answer)
        assert purse.standing() == Limit(Decimal(11), None)

    def test_leaves_no_evidence_of_a_change_that_changes_nothing(self, admin, purse):
        purse.limit(usd="25.5")
        before = purse.evidence()
        answer = admin.post(SETTING, {**self.ASKED, "seen": "25.5/None"}, follow=True)
        assert "Nothing changed" in page(answer)
        assert purse.evidence() == before

    def test_warns_of_what_is_spent_already_and_of_the_ceiling(self, admin, purse):
        with tenant_tx("acme"):
            Project.objects.update(budget_limit_usd=Decimal(20))
        purse.spend("2")
        assert "ceiling of 20.00 USD" in words(admin.post(SETTING, self.ASKED))
        asking = words(admin.post(SETTING, {**self.ASKED, "usd": "2"}))
        assert "calls are refused until the period ends" in asking
        assert "ceiling" not in asking

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.APPROVER])
    def test_is_refused_below_the_role_admin(self, tenant, signed_in, purse, role):
        client = signed_in(member_of=["acme"], role=role)
        assert client.get(SETTING).status_code == 403
        assert client.post(SETTING, {**self.ASKED, "seen": "none"}).status_code == 403
        assert purse.standing() is None

    def test_needs_the_forms_own_token(self, tenant, signed_in, purse):
        client = signed_in(platform_role=Role.ADMIN, enforce_csrf_checks=True)
        assert client.post(SETTING, {**self.ASKED, "seen": "none"}).status_code == 403
        assert purse.standing() is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"usd": "-1"}, {"usd": "NaN"}, {"usd": "1e99"}, {"usd": "0.00000000001"}, {"usd": ""},
            {"tokens": "1.5"}, {"tokens": "-1"}, {"tokens": "9" * 30}, {"usd": "1\x00"},
            {"place": "run:day"}, {"place": ""}, {"agent": "sre"}, {"act": "burn"},
            {"place": "agent:day", "agent": "no spaces"},
            {"place": "agent:day", "agent": "x" * 101},
        ],
    )  # fmt: skip
    def test_shows_the_fault_beside_the_field(self, admin, purse, wrong):
        answer = admin.post(SETTING, {**self.ASKED, **wrong, "seen": "none"})
        assert answer.status_code == 200
        assert "act" in wrong or "aw-fault" in page(answer)
        assert purse.evidence() == []

    def test_starts_from_the_limit_it_was_opened_for(self, admin, purse):
        purse.limit(Level.RUN, Period.TOTAL, usd="3", tokens=7, agent="sre")
        href = unescape(re.search(rf'href="({SETTING}[^"]+)"', page(admin.get(ACME)))[1])
        text = page(admin.get(href))
        for field in ('value="run:total" selected', 'value="sre"', 'value="3"', 'value="7"'):
            assert field in text


class TestRun:
    def test_shows_its_cost_its_limit_and_the_way_to_the_budget(self, admin, tenant, purse):
        purse.limit(Level.RUN, Period.TOTAL, usd="2")
        body = {"agent_id": tenant.agent_id, "input": {}}
        run_id = tenant.post("/v1/platform/runs", body).json()["run_id"]
        (lease,) = leases.claim(worker="w", batch=1)
        made = runs_money.reserve(lease, usd=Decimal(1), tokens=1, purpose="model:test")
        runs_money.settle(lease, made, usd=Decimal("0.5"), tokens=1)
        runs_money.reserve(lease, usd=Decimal("0.25"), tokens=1, purpose="model:test")

        answer = admin.get(f"/admin/runs/{run_id}/")

        assert "Cost 0.50 USD 0.25 reserved" in words(answer)
        assert "Limit of this run 2.00 USD 25 % spent" in words(answer)
        assert f'href="{ACME}"' in page(answer)


class TestEveryPage:
    def paths(self):
        return [HOME, ACME, SETTING, HOME + "nobody/"]

    def answers(self, client, **options):
        confirm = {**TestSetting.ASKED, "usd": "1"}
        return [*(client.get(path, **options) for path in self.paths()),
                client.post(SETTING, confirm, **options),
                client.post(SETTING, {"act": "set"}, **options)]  # fmt: skip

    def fill(self, purse):
        purse.limit(usd="10")
        purse.limit(Level.AGENT, Period.DAY, usd="3", agent="sre")
        purse.limit(Level.RUN, Period.TOTAL, tokens=7)
        purse.spend("2")
        purse.reserve("2")

    def test_allows_no_inline_script_or_style_and_has_one_heading(self, admin, purse):
        self.fill(purse)
        for answer in self.answers(admin):
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=", page(answer))
            assert page(answer).count("<h1") == 1

    def test_is_wholly_chinese_when_asked_for_in_chinese(self, admin, purse):
        self.fill(purse)
        data = {"AwoooP", "English", "UTC", "USD", "acme", "ann", "sre", "test"}
        for answer in self.answers(admin, **ZH):
            found = set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", words(answer))) - data
            assert not found, answer.request["PATH_INFO"]
