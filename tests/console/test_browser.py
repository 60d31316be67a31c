"""The console in a real browser: phone and desk, light and dark, with and without scripts."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread
from django.utils import timezone
from playwright.sync_api import expect, sync_playwright

from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants.models import Operator, Role
from contracts.models import ContractRevision
from gateway.models import Tool
from runs import worker

CHROMIUM = Path(os.environ.get("AWOOOP_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
PASSWORD = "a-long-Pass-phrase-1"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BUDGET = "/admin/budgets/acme/"
AXE = os.environ.get("AWOOOP_AXE")  # axe-core's axe.min.js, to have each page judged by it too
RULES = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
DARK = "document.documentElement.classList.contains('dark')"

pytestmark = pytest.mark.skipif(
    os.environ.get("AWOOOP_NO_BROWSER") == "1", reason="AWOOOP_NO_BROWSER=1"
)


@pytest.fixture
def site(clean: None) -> Iterator[str]:
    """The console behind a real socket."""
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait(10)
    assert thread.error is None
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


@pytest.fixture
def run_id(tenant, site, money) -> str:
    """A run that was walked and is to be looked at, and some money spent."""
    body = {"agent_id": tenant.agent_id, "input": {"q": 1}}
    made = [tenant.post("/v1/platform/runs", body).json()["run_id"] for _ in range(60)]
    worker.drain(worker="w")
    money("acme").spend("3", tokens=5)
    return made[0]


@pytest.fixture
def contract(tenant) -> str:
    """The revision of the agent's contract."""
    with tenant_tx("acme"):
        return str(ContractRevision.objects.get(contract_family="agent").revision_id)


@pytest.fixture
def quarantined(tenant) -> None:
    """A tool that waits for its release."""
    now, seen = timezone.now(), {"name": "get_pods", "description": "x" * 300 + "\u200b"}
    with tenant_tx("acme"):
        Tool.objects.create(
            project_id="acme", gateway_id="observability", tool_name="get_pods",
            standing="quarantined", seen=seen, seen_sha256="ab" * 32, first_seen_at=now,
            last_seen_at=now,
        )  # fmt: skip


@pytest.fixture
def open_page(run_id: str, browser_page):
    """A maker of signed-in pages of a console with a past."""
    return browser_page


@pytest.fixture
def browser_page(site: str) -> Iterator:
    """A maker of pages in which ann or another is signed in, which notes what none should do."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: install chromium, or set AWOOOP_NO_BROWSER=1")
    faults: list[str] = []
    with global_tx():
        Operator.objects.create_user("ann", password=PASSWORD, platform_role=Role.ADMIN)

    def watch(page) -> None:
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("pageerror", lambda reason: faults.append(str(reason)))
        page.on("request", lambda sent: sent.url.startswith(site) or faults.append(sent.url))

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)

        def make(width: int, *, who: str = "ann", **options):
            size = {"width": width, "height": 844}
            context = browser.new_context(viewport=size, base_url=site, **options)
            context.on("page", watch)
            page = context.new_page()
            page.goto("/admin/")
            page.locator("[name=username]").fill(who)
            page.locator("[name=password]").fill(PASSWORD)
            page.locator("[name=password]").press("Enter")
            expect(page).not_to_have_url(re.compile("login"))
            return page

        yield make
        browser.close()
    assert faults == []


class TestConsole:
    @pytest.mark.parametrize("width", [390, 1280])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_fits_and_keeps_to_itself(self, contract, open_page, run_id, width, scheme):
        page = open_page(width, color_scheme=scheme)
        paths = ["/admin/", "/admin/runs/", f"/admin/runs/{run_id}/", "/admin/tenants/",
                 "/admin/budgets/", BUDGET, f"{BUDGET}limit/",
                 "/admin/audit/?project=acme", "/admin/contracts/",
                 f"/admin/contracts/{contract}/", f"/admin/contracts/{contract}/retire/",
                 "/admin/tenants/operator/", "/admin/tenants/operator/add/"]  # fmt: skip
        tabs = [page, *(page.context.new_page() for _ in range(3))]  # they fall silent together
        while paths:
            shown = [(tab, paths.pop()) for tab in tabs if paths]
            for tab, path in shown:
                tab.goto(path, wait_until="commit")
            for tab, path in shown:
                tab.wait_for_load_state("networkidle")
                assert tab.evaluate(OVERFLOW) <= 0, path
                assert tab.locator("h1").count() == 1
                assert tab.evaluate(DARK) == (scheme == "dark")

    def test_goes_from_the_list_to_a_timeline_by_keyboard(self, open_page):
        page = open_page(1280)
        page.get_by_role("link", name="Runs", exact=True).click()
        page.get_by_role("link", name="Older").click()
        page.locator(".aw-row-link").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/runs/*-*/")
        page.locator("summary").last.focus()
        page.keyboard.press("Enter")
        expect(page.locator("details[open]")).to_have_count(1)
        page.keyboard.press("Tab")

    @pytest.mark.parametrize("scripts", [True, False])
    def test_opens_its_menu_and_changes_language_on_a_phone(self, open_page, scripts):
        page = open_page(390, java_script_enabled=scripts)
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Runs", exact=True).click()
        page.get_by_role("button", name="Menu").click()
        page.locator(".aw-who").click()
        page.get_by_role("button", name="繁體中文").click()
        expect(page.locator("h1")).to_have_text("執行")

    def test_filters_without_scripts(self, open_page):
        page = open_page(390, java_script_enabled=False)
        page.goto("/admin/runs/")
        page.get_by_label("Kind").select_option("live")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()

    @pytest.mark.parametrize("width", [390, 1280])
    def test_sets_a_limit_by_keyboard_and_without_scripts(self, open_page, width):
        page = open_page(width, java_script_enabled=False)
        page.goto(BUDGET)
        page.get_by_label("Whose, and how long").select_option("Agent, per month")
        page.get_by_label("Agent", exact=True).fill("sre")
        page.keyboard.press("Tab")
        page.keyboard.type("2.50")
        page.keyboard.press("Enter")
        page.get_by_text("calls are refused until the period ends").wait_for()
        page.get_by_role("button", name="Set the limit").press("Enter")
        page.get_by_text("The limit is set").wait_for()
        expect(page.get_by_role("link", name="Agent sre, per month")).to_be_visible()
        expect(page.get_by_role("img", name="120 % spent, 0 % reserved")).to_be_visible()

    def test_tells_the_days_in_a_picture_and_in_a_table(self, open_page):
        page = open_page(390, java_script_enabled=False)
        page.goto(BUDGET)
        picture = page.get_by_role("img", name="Spent by day")
        assert picture.bounding_box()["height"] > 100
        page.get_by_text("As a table").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("rowheader", name="20").nth(30)).to_be_visible()

    def test_remembers_the_colours_chosen(self, open_page):
        page = open_page(1280, color_scheme="light")
        page.locator(".aw-who").click()
        page.get_by_role("button", name="Dark").click()
        page.wait_for_function(DARK)
        page.goto("/admin/runs/")
        assert page.evaluate(DARK)
        page.goto("/admin/tenants/operator/", wait_until="networkidle")
        assert page.evaluate(DARK)


def judge(page):
    """Look at a page as it is: nothing sticks out, and nothing keeps anybody out."""
    page.wait_for_load_state()
    assert page.evaluate(OVERFLOW) <= 0, page.url
    if AXE:
        told = page.evaluate(Path(AXE).read_text() + ";" + RULES)
        assert [(each["id"], each["nodes"][0]["html"]) for each in told["violations"]] == [], (
            page.url
        )


class TestGateway:
    @pytest.mark.parametrize(
        ("locale", "release", "go_on", "stop", "stopped"),
        [
            ("en", "Release as shown below", "Continue", "Stop it now",
             "Every tool call of acme is stopped."),
            ("zh-TW", "依下列內容放行", "繼續", "立即停止", "acme 的工具呼叫均已停止。"),
        ],
    )  # fmt: skip
    def test_releases_a_tool_and_stops_a_project_on_a_phone(
        self, quarantined, browser_page, locale, release, go_on, stop, stopped
    ):
        page = browser_page(390, locale=locale, color_scheme="light", java_script_enabled=True)
        page.goto("/admin/quarantine/")
        judge(page)
        page.locator(".aw-row-link").click()
        page.wait_for_url("**/tools/get_pods/")
        judge(page)
        page.get_by_role("button", name=release).click()
        page.locator(".aw-success").wait_for()
        page.goto("/admin/switches/throw/?level=project&project=acme")
        judge(page)
        page.locator("[name=reason]").fill("why")
        page.get_by_role("button", name=go_on).click()
        page.get_by_role("button", name=stop).wait_for()
        judge(page)
        page.get_by_role("button", name=stop).click()
        page.locator(".aw-alarm").get_by_text(stopped).wait_for()
        judge(page)
        page.goto("/admin/quarantine/")
        assert page.locator(".aw-row-link").count() == 0
        judge(page)
