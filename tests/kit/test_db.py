"""Transactions: who opens them, what they see, what they leave behind."""

from threading import Thread

import psycopg
import pytest
from django.db import connection, transaction

from awooop.kit import tenancy
from awooop.kit.db import (
    EVERYONE,
    NotInTransaction,
    in_tx,
    operator_tx,
    pipe,
    tenant_tx,
    worker_tx,
)
from awooop.tenants.models import ApiKey, Project

SETTING = "SELECT current_setting('rls.tenant_id', true), current_user"


def inside():
    with connection.cursor() as cursor:
        cursor.execute(SETTING)
        return cursor.fetchone()


class TestTenantTx:
    def test_sees_its_own_tenant_only(self, tenant, new_tenant):
        new_tenant("globex")
        with tenant_tx("acme"):
            assert [p.project_id for p in Project.objects.all()] == ["acme"]

    def test_forgets_the_tenant_at_commit_and_at_failure(self, clean):
        with tenant_tx("acme"):
            assert inside()[0] == "acme"
        assert inside()[0] in ("", None)
        with pytest.raises(ZeroDivisionError), tenant_tx("acme"):
            raise ZeroDivisionError
        assert inside()[0] in ("", None)

    def test_refuses_to_nest(self, clean):
        with tenant_tx("acme"), pytest.raises(RuntimeError), tenant_tx("globex"):
            pass

    def test_without_one_there_are_no_rows_and_no_inserts(self, tenant):
        assert not Project.objects.exists()
        with pytest.raises(Exception, match="row-level security"), transaction.atomic():
            Project.objects.create(project_id="evil", created_at="2026-01-01T00:00Z")


class TestOperatorTx:
    def test_reads_the_projects_in_scope_and_no_others(self, new_tenant):
        for name in ("one", "two", "three"):
            new_tenant(name)
        with operator_tx({"one", "two"}):
            assert set(Project.objects.values_list("project_id", flat=True)) == {"one", "two"}
        with operator_tx(EVERYONE):
            assert Project.objects.count() == 3
        with operator_tx(()):
            assert not Project.objects.exists()

    def test_changes_nothing(self, tenant):
        with pytest.raises(Exception, match="permission denied"), operator_tx(EVERYONE):
            Project.objects.update(display_name="x")


class TestWorkerTx:
    def test_sees_no_keys(self, tenant):
        with pytest.raises(Exception, match="permission denied"), worker_tx():
            ApiKey.objects.count()


class TestInTx:
    def test_refuses_a_verb_called_bare(self, clean):
        @in_tx
        def verb():
            return 1

        with pytest.raises(NotInTransaction, match="verb"):
            verb()
        with tenant_tx("acme"):
            assert verb() == 1


class TestPipe:
    def test_sees_its_own_tenant_only(self, tenant, new_tenant):
        new_tenant("globex")
        with pipe() as p, p.tenant_tx("acme"):
            found = p.send("SELECT project_id FROM awooop_projects")

        assert found.fetchall() == [("acme",)]

    def test_says_which_transactions_were_committed(self, tenant):
        with pytest.raises(psycopg.errors.DivisionByZero), pipe() as p:
            with p.tenant_tx("acme") as first:
                p.send("UPDATE awooop_projects SET display_name = 'kept'")
            with p.tenant_tx("acme") as second:
                p.send("UPDATE awooop_projects SET display_name = 'lost'")
                p.send("SELECT 1/0")

        assert (first.committed, second.committed) == (True, False)
        with tenant_tx("acme"):
            assert Project.objects.get().display_name == "kept"

    def test_leaves_no_transaction_open_when_python_fails(self, tenant):
        with pytest.raises(ZeroDivisionError), pipe() as p, p.tenant_tx("acme"):
            p.send("UPDATE awooop_projects SET display_name = 'lost'")
            raise ZeroDivisionError

        assert inside()[0] in ("", None)
        with tenant_tx("acme"):
            assert Project.objects.get().display_name == "acme"

    def test_forgets_role_and_tenant(self, tenant):
        with pipe() as p, p.worker_tx():
            p.send("SELECT 1")

        setting, role = inside()
        assert setting in ("", None)
        assert role == connection.settings_dict["USER"]

    def test_refuses_to_run_inside_a_transaction(self, clean):
        with tenant_tx("acme"), pytest.raises(RuntimeError), pipe():
            pass


class TestTenancy:
    def test_names_the_project_inside_and_forgets_it_outside(self):
        with tenancy.acting_for("acme"):
            assert tenancy.current_project() == "acme"
        assert tenancy.current_project() is None

    def test_is_carried_into_another_thread_only_on_purpose(self):
        seen = []
        with tenancy.acting_for("acme"):
            look = lambda: seen.append(tenancy.current_project())  # noqa: E731
            for work in (tenancy.carried(look), look):
                thread = Thread(target=work)
                thread.start()
                thread.join()

        assert seen == ["acme", None]
