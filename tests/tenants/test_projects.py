"""Tenants are brought on, promoted and demoted."""

import json

import pytest
from django.core.management import CommandError, call_command

from awooop.console import demo
from awooop.kit.db import tenant_tx
from awooop.tenants import keys, modes
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode


class TestMayMove:
    def test_allows_one_step_up_and_any_step_down(self):
        up = [(was.value, now.value) for was in Mode for now in Mode if now.rank > was.rank]
        allowed = [(was, now) for was, now in up if modes.may_move(Mode(was), Mode(now))]

        assert allowed == [
            ("legacy_awoooi_default", "shadow"),
            ("shadow", "suggest"),
            ("suggest", "canary"),
            ("canary", "active"),
        ]
        assert all(modes.may_move(was, now) for was in Mode for now in Mode if now.rank < was.rank)


class TestOnboardTenant:
    def test_prints_a_key_that_opens_the_door(self, clean, capsys):
        call_command("onboard_tenant", "fresh", "--json")
        told = json.loads(capsys.readouterr().out)

        assert keys.holder(told["api_key"]).project_id == "fresh"
        assert told["migration_mode"] == "shadow"

    def test_refuses_a_second_time_and_changes_nothing(self, tenant):
        with pytest.raises(CommandError, match="E-TENANT-005"):
            call_command("onboard_tenant", "acme")

    @pytest.mark.parametrize("name", ["A", "a", "_a", "a b", "a" * 65, "ä1", "a\n", ""])
    def test_refuses_what_is_no_project_id(self, clean, name):
        with pytest.raises(CommandError, match="E-TENANT-006"):
            call_command("onboard_tenant", name)


class TestSetMode:
    def test_promotes_one_step_and_says_so(self, tenant, capsys):
        call_command("set_mode", "acme", "suggest")

        assert capsys.readouterr().out == "acme: shadow -> suggest\n"
        with tenant_tx("acme"):
            assert Project.objects.get().migration_mode == Mode.SUGGEST

    def test_refuses_to_jump(self, tenant):
        with pytest.raises(CommandError, match="E-TENANT-004"):
            call_command("set_mode", "acme", "active")

    def test_says_when_there_is_no_such_project(self, clean):
        with pytest.raises(CommandError, match="E-TENANT-003"):
            call_command("set_mode", "nobody", "shadow")


class TestDemo:
    def test_keeps_credentials_that_work_and_replaces_those_that_do_not(self, clean):
        first = demo.seed()
        again = demo.seed(known=first)
        mended = demo.seed(known={**first, "password": "wrong", "key:awoooi": "awp.awoooi.x"})

        assert again == first
        assert mended["key:ewoooc"] == first["key:ewoooc"]
        assert mended["password"] != "wrong"
        assert keys.holder(mended["key:awoooi"]).project_id == "awoooi"
