"""Contracts as files: from a folder written by hand to a tenant, and back."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from awooop.kit.db import tenant_tx
from contracts import folder, queries
from contracts.models import ContractRevision, Family

SHOP = {
    "project/shop.yaml": "project_id: shop\ndisplay_name: The shop\n",
    "mcp_gateway/orders.yaml": (
        "provider: orders\ntools:\n"
        "  - {tool_name: list_orders, description: Lists., is_destructive: false, scope: read}\n"
    ),
    "agent/helper.json": json.dumps(
        {
            "agent_id": "helper",
            "tools": [{"tool_name": "list_orders", "mcp_gateway_id": "orders", "scopes": ["read"]}],
        }
    ),
}


@pytest.fixture
def shop(tmp_path):
    for name, text in SHOP.items():
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
    return tmp_path


def contracts(*words):
    told, wrong, code = StringIO(), StringIO(), 0
    try:
        call_command("contracts", *map(str, words), stdout=told, stderr=wrong)
    except SystemExit as end:
        code = end.code
    except CommandError as end:
        code = end.returncode
    return code, told.getvalue(), wrong.getvalue()


class TestApply:
    def test_makes_a_tenant_of_a_folder(self, clean, shop):
        assert contracts("validate", shop)[:2] == (0, "3 contracts, all valid\n")
        code, told, _ = contracts("apply", shop)
        assert code == 0
        assert "API key: awp.shop." in told
        assert queries.active("shop", Family.AGENT, "helper").body["agent_id"] == "helper"
        assert contracts("diff", shop)[:2] == (0, "no difference\n")

    def test_says_what_would_change_and_changes_it_once(self, clean, shop):
        contracts("apply", shop)
        agent = json.loads(SHOP["agent/helper.json"]) | {"tools": [], "description": "Looks."}
        (shop / "agent/helper.json").write_text(json.dumps(agent))
        code, told, _ = contracts("diff", shop)
        assert code == 1
        assert told.splitlines() == [
            "agent helper",
            "    description added: Looks.",
            "  ! tool orders.list_orders removed",
        ]
        contracts("apply", shop)
        contracts("apply", shop)
        with tenant_tx("shop"):
            mine = ContractRevision.objects.filter(contract_id="helper")
            assert sorted(each.version for each in mine) == ["1.0", "2.0"]

    def test_waits_for_signatures_where_the_policy_wants_them(self, clean, shop):
        (shop / "policy").mkdir()
        (shop / "policy/main.yaml").write_text("quorum: {activation: 2}\n")
        assert contracts("apply", shop)[0] == 0
        (shop / "mcp_gateway/orders.yaml").write_text(
            SHOP["mcp_gateway/orders.yaml"].replace("Lists.", "Lists them.")
        )
        assert contracts("apply", shop)[0] == 3
        assert contracts("apply", shop)[0] == 3
        with tenant_tx("shop"):
            mine = ContractRevision.objects.filter(contract_id="orders")
            assert sorted(each.version for each in mine) == ["1.0", "1.1"]

    def test_names_every_fault_at_once_and_does_nothing(self, clean, shop):
        (shop / "agent/helper.json").write_text('{"agent_id": 7, "tools": [{}], "wings": 2}')
        (shop / "project/shop.yaml").write_text("project_id: shop\ndisplay_name: &a x\nx: *a\n")
        (shop / "elsewhere").mkdir()
        (shop / "elsewhere/x.yaml").write_text("a: 1")
        for act in ("validate", "apply"):
            code, _, wrong = contracts(act, shop)
            assert code == 2
            for part in (
                "helper.json#/agent_id",
                "helper.json#/tools/0",
                "helper.json#/wings",
                "shop.yaml: cannot be read: aliases",
                "elsewhere/x.yaml: must lie",
            ):
                assert part in wrong, part
        with tenant_tx("shop"):
            assert not ContractRevision.objects.exists()

    def test_leaves_nothing_of_a_folder_that_does_not_fit_together(self, clean, shop):
        (shop / "mcp_gateway/orders.yaml").write_text("provider: orders\ntools: []\n")
        code, _, wrong = contracts("apply", shop)
        assert (code, "/tools/0/tool_name: is not among" in wrong) == (2, True)
        with tenant_tx("shop"):
            assert not ContractRevision.objects.exists()


class TestExport:
    def test_writes_what_apply_reads(self, clean, shop, tmp_path):
        contracts("apply", shop)
        assert contracts("export", "shop", tmp_path / "out")[0] == 0
        one, faults = folder.read(tmp_path / "out")
        assert not faults
        assert [each.body for each in one] == [each.body for each in folder.read(shop)[0]]

    def test_says_so_when_there_is_nothing(self, clean, tmp_path):
        assert contracts("export", "nobody", tmp_path)[0] == 2


class TestRead:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: 1\na: 2\n", "stands twice"),
            ("- 1\n", "must be a mapping"),
            ("!!python/object:os.system {}", "cannot be read"),
            ("a: [" * 3000, "cannot be read"),
            ("\x00", "cannot be read"),
        ],
    )
    def test_refuses_yaml_that_is_no_json(self, tmp_path, text, message):
        (tmp_path / "agent").mkdir()
        (tmp_path / "agent/x.yaml").write_text(text)
        _, (fault,) = folder.read(tmp_path)
        assert message in str(fault)

    def test_keeps_what_looks_like_a_date_a_text(self, tmp_path):
        (tmp_path / "agent").mkdir()
        (tmp_path / "agent/x.yaml").write_text("agent_id: x\ntools: []\ndescription: 2026-01-01\n")
        (document,), faults = folder.read(tmp_path)
        assert (document.body["description"], faults) == ("2026-01-01", [])
