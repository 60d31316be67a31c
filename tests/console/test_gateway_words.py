"""The gateway's pages as they read: in Chinese throughout, with landmarks, and without scripts."""

import re

import pytest
from django.utils import translation
from django.utils.translation import gettext

from awooop.errors import Code
from awooop.tenants.models import Role
from gateway import switches
from gateway.models import (
    Effect,
    Level,
    Outcome,
    Provider,
    Standing,
    Status,
    Switch,
    Tool,
    ToolCall,
)
from tests.console import test_gateway_pages as placing
from tests.console import test_kill_switch_pages as throwing
from tests.console.test_pages import visible

AT = "/admin/gateways/acme/observability/"
CHINESE = r"[\u4e00-\u9fff]"
DATA = {
    *("AwoooP", "UTC", "English", "acme", "ann", "operator", "sre", "agent", "key", "abc", "test"),
    *("get_pods", "get_pods__observability", "observability", "restart_deployment__observability"),
    *("get_pod_logs", "query_metrics", "list_alerts", "restart_deployment", "delete_pod", "MCP"),
    *("shop", "cheese", "transport", "reaper"),
}  # fmt: skip


@pytest.fixture
def paths(tenant, monkeypatch):
    """Every page of the gateway, with something on each."""
    monkeypatch.setattr(switches, "PERMIT_SECONDS", 0)
    placing.place_provider(error_code="E-MCP-UP-001", faults=["cheese"], instructions="cheese")
    placing.place_tool(
        warnings=[{"where": "/cheese", "kind": "tag", "excerpt": "cheese"}], renamed_from="cheese",
        standing=Standing.SUSPENDED, definition={"cheese": 1}, pin_sha256="cd" * 32,
        seen={"cheese": 2}, suspended_by="test",
    )  # fmt: skip
    call = placing.place_call(
        status=Status.BLOCKED, block_gate=4, error_code="E-MCP-GATE-008", arguments="cheese"
    ).call_id
    effect = placing.place_effect(probe={"cheese": 1}, note="cheese", error_code="E-MCP-UP-001")
    thrown = throwing.throw(Level.TOOL, key="get_pods__observability")
    return [
        *("/admin/gateways/", AT, f"{AT}tools/get_pods/", "/admin/quarantine/"),
        *("/admin/gateways/?project=cheese", "/admin/gateways/?after=acme/z"),
        *("/admin/calls/", f"/admin/calls/acme/{call}/", "/admin/calls/?gate=1"),
        *("/admin/calls/?gate=x", f"/admin/calls/?older_than={placing.ANY_ID}"),
        *("/admin/effects/", f"/admin/effects/acme/{effect}/", "/admin/effects/?view=executed"),
        *(f"/admin/effects/acme/{effect}/resolve/", "/admin/switches/", "/admin/switches/throw/"),
        f"/admin/switches/acme/{thrown}/lift/",
    ]


@pytest.fixture
def admin(tenant, signed_in):
    return signed_in(platform_role=Role.ADMIN)


class TestPages:
    def test_are_wholly_chinese_when_asked_for_in_chinese(self, paths, admin):
        forms = [("/admin/switches/throw/", {"level": "project", "project": "acme", "reason": "x"}),
                 ("/admin/switches/throw/", {}),
                 (paths[-4], {"outcome": "executed", "note": "x"}), (paths[-4], {})]  # fmt: skip
        answers = [admin.get(path, **placing.ZH) for path in paths]
        answers += [admin.post(path, body, **placing.ZH) for path, body in forms]
        for answer in answers:
            told = re.sub(r"\b[0-9a-f-]{8,}\b|why|yes|E-MCP-[A-Z]+-\d+", " ", visible(answer))
            words = set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", told)) - DATA
            assert not words, answer.request["PATH_INFO"]
            assert len(re.findall(CHINESE, told)) > 40

    def test_have_a_title_one_heading_landmarks_and_no_inline_script_or_style(self, paths, admin):
        for path in paths:
            told = admin.get(path).content.decode()
            assert re.search(r"<title>[^|<]+ \| AwoooP</title>", told), path
            assert [told.count(f"<{tag}") for tag in ("h1", "main", "header class")] == [1] * 3
            assert not re.search(r"<style|<script(?! src)|\son\w+=|\sstyle=", told), path


class TestTranslation:
    def test_covers_every_code_standing_outcome_and_name(self):
        labels = [each for kind in (Standing, Status, Outcome, Level) for each in kind.labels]
        for model in (Provider, Tool, ToolCall, Effect, Switch):
            labels += [model._meta.verbose_name, model._meta.verbose_name_plural]
        codes = [code for code in Code if code.value.startswith("E-MCP-")]
        with translation.override("zh-hant"):
            told = [str(label) for label in labels]
            told += [text for code in codes for text in (gettext(code.title), gettext(code.hint))]
        assert [text for text in told if not re.search(CHINESE, text)] == []
