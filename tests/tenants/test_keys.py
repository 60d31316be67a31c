"""Keys and members, as an administrator handles them on the command line."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from awooop.errors import Unauthenticated
from awooop.kit.db import EVERYONE, global_tx, tenant_tx
from awooop.tenants import access, keys
from awooop.tenants.models import ApiKey, Operator, Role


def run(capsys, *command):
    call_command(*command)
    return capsys.readouterr().out


def secret_in(told):
    return told.split("API key: ")[1].split()[0]


class TestApiKey:
    def test_issues_a_key_that_works_and_is_kept_as_a_hash_only(self, tenant, capsys):
        secret = secret_in(run(capsys, "api_key", "acme", "issue", "--scope", "runs"))

        assert keys.holder(secret).scopes == {"runs"}
        with tenant_tx("acme"):
            rows = list(ApiKey.objects.values())
        assert secret.split(".")[2] not in str(rows)

    def test_keeps_no_secret_that_was_given_as_a_name(self, tenant, capsys):
        token = "gl" + "pat-" + "a1B2c3D4e5" * 2
        run(capsys, "api_key", "acme", "issue", "--name", f"for {token}", "--agent", token)

        with tenant_tx("acme"):
            rows = list(ApiKey.objects.values_list("name", "agent_id"))
        assert token not in str(rows)
        assert any(name.startswith("for [secret:gitlab:") for name, _ in rows)

    def test_revokes_at_once(self, tenant, capsys):
        told = run(capsys, "api_key", "acme", "issue")
        run(capsys, "api_key", "acme", "revoke", told.split()[0])

        with pytest.raises(Unauthenticated):
            keys.holder(secret_in(told))

    def test_rotates_with_an_overlap(self, tenant, capsys):
        first = run(capsys, "api_key", "acme", "issue")
        second = run(capsys, "api_key", "acme", "rotate", first.split()[0], "--hours", "1")

        assert keys.holder(secret_in(first))
        assert keys.holder(secret_in(second))

    def test_ends_the_old_key_with_the_overlap(self, tenant, capsys):
        first = run(capsys, "api_key", "acme", "issue")
        run(capsys, "api_key", "acme", "rotate", first.split()[0], "--hours", "0")

        with pytest.raises(Unauthenticated):
            keys.holder(secret_in(first))

    def test_lists_the_living_without_a_secret(self, tenant, capsys):
        told = run(capsys, "api_key", "acme", "issue", "--name", "ci")
        listed = run(capsys, "api_key", "acme", "list")

        assert "ci" in listed
        assert secret_in(told).split(".")[2] not in listed

    def test_cannot_reach_another_projects_key(self, tenant, new_tenant, capsys):
        new_tenant("globex")
        theirs = run(capsys, "api_key", "globex", "issue").split()[0]
        with pytest.raises(CommandError, match="E-TENANT-008"):
            call_command("api_key", "acme", "revoke", theirs)


class TestMember:
    @pytest.fixture
    def ann(self, tenant):
        with global_tx():
            return Operator.objects.create_user("ann")

    def test_gets_a_role_changes_it_and_loses_it(self, ann, capsys):
        assert access.scope_of(ann) == frozenset()
        run(capsys, "member", "acme", "ann", "viewer")
        assert access.scope_of(ann) == {"acme"}
        assert access.scope_of(ann, Role.APPROVER) == frozenset()
        run(capsys, "member", "acme", "ann", "admin")
        assert access.scope_of(ann, Role.APPROVER) == {"acme"}
        run(capsys, "member", "acme", "ann", "none")
        assert access.scope_of(ann) == frozenset()

    def test_is_somebody_we_know(self, ann):
        with pytest.raises(CommandError, match="E-TENANT-007"):
            call_command("member", "acme", "bob", "viewer")
        with pytest.raises(CommandError, match="E-TENANT-003"):
            call_command("member", "nobody", "ann", "viewer")

    def test_sees_nothing_once_switched_off(self, ann):
        ann.platform_role = Role.ADMIN
        assert access.scope_of(ann) == EVERYONE
        ann.is_active = False
        assert access.scope_of(ann) == ()


class TestOperatorToken:
    def test_ends_in_time(self, tenant):
        now = timezone.now()
        with global_tx():
            ann = Operator.objects.create_user("ann")
            token = access.issue_token(ann, name="t", actor="t", at=now, expires_at=now)
        with pytest.raises(Unauthenticated):
            access.token_holder(token, at=now)
