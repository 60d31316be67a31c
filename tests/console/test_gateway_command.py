"""`manage.py gateway` and `kill_switch`, as operators type them."""

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from awooop.kit.db import global_tx, tenant_tx
from contracts import lifecycle, queries
from contracts.models import Family
from gateway.models import PlatformSwitch, Standing, Switch, Tool
from gateway.providers.base import Listing
from gateway.registry import refreshing
from gateway.registry.asking import Asked

GATEWAY = "shop"


def told(*words):
    out = StringIO()
    try:
        call_command(*words, stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def definition(name, description="Looks."):
    return {"name": name, "description": description, "inputSchema": {"type": "object"}}


@pytest.fixture
def seen(tenant):
    """A gateway whose server has listed three tools, one of them with hidden text."""
    tools = [
        {"tool_name": name, "is_destructive": False, "scope": "read"}
        for name in ("list_orders", "get_order", "not_there")
    ]
    transport = {"kind": "streamable_http", "url": "http://127.0.0.1:9/mcp"}
    body = {"provider": "shop", "transport": transport, "tools": tools}
    body["private_addresses"] = ["127.0.0.1/32"]
    with tenant_tx("acme"):
        lifecycle.install("acme", Family.MCP_GATEWAY, GATEWAY, body, actor="t", at=timezone.now())
    queries.forget()
    asked = Asked("acme", GATEWAY, queries.of_project("acme")["mcp_gateway", GATEWAY])
    offered = (
        definition("list_orders"),
        definition("get_order", "Looks.\u202e"),
        definition("drop_orders"),
    )
    answer = Listing("s", "1", "", offered)
    return refreshing.write(asked, answer, actor="t", at=timezone.now())


def tool(name):
    with tenant_tx("acme"):
        return Tool.objects.get(gateway_id=GATEWAY, tool_name=name)


class TestList:
    def test_tells_people_and_programs_the_same(self, seen):
        text, _ = told("gateway", "list", "acme", GATEWAY)
        (gateway,) = json.loads(told("gateway", "list", "acme", GATEWAY, "--json")[0])["gateways"]
        assert re.search(r"quarantined +list_orders__shop +[0-9a-f]{12}$", text, re.MULTILINE)
        assert "get_order__shop" in text
        assert "(warning: bidi)" in text
        assert "(not in the contract)" in text
        assert re.search(r"not listed +not_there", text)
        assert gateway["not_listed"] == ["not_there"]
        assert [each["tool_name"] for each in gateway["tools"]] == [
            "drop_orders",
            "get_order",
            "list_orders",
        ]

    def test_shows_one_tool_with_nothing_hidden(self, seen):
        text, _ = told("gateway", "list", "acme", GATEWAY, "get_order")
        assert "Looks.⟨U+202E⟩" in text

    @pytest.mark.parametrize(
        "words", [("nobody",), ("acme", "none"), ("acme", GATEWAY, "none"), ("N",)]
    )
    def test_knows_nothing_else(self, seen, words):
        with pytest.raises(CommandError, match="E-"):
            told("gateway", "list", *words)


class TestRelease:
    def test_wants_a_look_first(self, seen):
        text, code = told("gateway", "release", "acme", GATEWAY, "list_orders")
        assert code == 3
        assert tool("list_orders").standing == Standing.QUARANTINED
        pin = re.search(r"--pin ([0-9a-f]{64})", text)[1]
        assert told("gateway", "release", "acme", GATEWAY, "list_orders", "--pin", pin)[1] == 0
        assert tool("list_orders").standing == Standing.RELEASED

    def test_refuses_another_pin(self, seen):
        with pytest.raises(CommandError, match="E-MCP-TOOL-002"):
            told("gateway", "release", "acme", GATEWAY, "list_orders", "--pin", "0" * 64)

    def test_of_all_leaves_what_needs_a_closer_look(self, seen):
        text, code = told("gateway", "release", "acme", GATEWAY, "--all")
        assert (text.splitlines()[0], code) == ("shop: 1 released: list_orders", 3)
        assert tool("get_order").standing == Standing.QUARANTINED
        assert tool("drop_orders").standing == Standing.QUARANTINED


class TestSuspend:
    def test_takes_a_tool_from_agents(self, seen):
        told("gateway", "release", "acme", GATEWAY, "--all")
        told("gateway", "suspend", "acme", GATEWAY, "list_orders")
        assert tool("list_orders").standing == Standing.SUSPENDED


class TestRefresh:
    def test_fails_when_a_server_cannot_be_listed(self, seen):
        text, code = told("gateway", "refresh", "acme")
        assert (text.strip().split(" ", 2)[:2], code) == (["shop:", "E-MCP-UP-001"], 1)


class TestKillSwitch:
    def test_is_thrown_listed_and_lifted(self, tenant):
        text, _ = told("kill_switch", "throw", "project", "acme", "--reason", "fire drill")
        again = re.search(r"kill_switch lift (\S+) acme", text)[1]
        with tenant_tx("acme"):
            assert Switch.objects.get().thrown_at is not None
        assert "project acme" in told("kill_switch", "list")[0]
        assert "fire drill" in told("kill_switch", "list", "acme")[0]
        told("kill_switch", "lift", again, "acme")
        assert "No kill switch" in told("kill_switch", "list")[0]

    def test_of_the_platform_has_no_project(self, clean):
        told("kill_switch", "throw", "platform", "--reason", "all of it")
        with global_tx():
            made = PlatformSwitch.objects.get()
        (listed,) = json.loads(told("kill_switch", "list", "--json")[0])["switches"]
        assert listed["level"] == "platform"
        told("kill_switch", "lift", str(made.switch_id))
        assert "No kill switch" in told("kill_switch", "list")[0]

    def test_says_when_it_stops_nothing(self, seen):
        known, _ = told(
            "kill_switch", "throw", "tool", "acme", "list_orders__shop", "--reason", "r"
        )
        unknown, _ = told("kill_switch", "throw", "tool", "acme", "list_orders", "--reason", "r")
        assert "it stops nothing now" not in known
        assert "it stops nothing now" in unknown

    @pytest.mark.parametrize(
        "words",
        [
            ("throw", "project", "nobody", "--reason", "r"),
            ("throw", "agent", "acme", "--reason", "r"),
            ("throw", "platform", "acme", "--reason", "r"),
            ("throw", "project", "--reason", "r"),
            ("lift", "00000000-0000-7000-8000-000000000000", "acme"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, tenant, words):
        with pytest.raises(CommandError, match="E-"):
            told("kill_switch", *words)
