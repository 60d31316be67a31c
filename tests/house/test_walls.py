"""The laws of the walls, by introspection: no model is added without them, nor migrated past."""

import ast
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections, models

from awooop.kit.rls import TenantKey, TenantWalls

FLAGS = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'project_id'
                AND NOT a.attisdropped)
"""
POLICIES = "SELECT policyname, roles::text[] FROM pg_policies WHERE tablename = %s"

# The whole schema as text: what going to zero and back must give again.
FINGERPRINT = """
SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
   AND NOT a.attisdropped
UNION ALL SELECT 'table', relname, relrowsecurity::text, relforcerowsecurity::text,
                 array_to_string(reloptions, ',')
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
UNION ALL SELECT 'grant', c.relname, x.grantee::regrole::text, x.privilege_type, ''
  FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'column grant', c.relname || '.' || a.attname, x.grantee::regrole::text,
                 x.privilege_type, ''
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x
 WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'policy', tablename, policyname, cmd || roles::text, concat(qual, with_check)
  FROM pg_policies WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes
 WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', oid::regprocedure::text, prosrc, prosecdef::text,
                 array_to_string(proconfig, ',')
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
REMAINS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relname LIKE 'awooop\\_%'
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def tenant_models():
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if any(field.column == "project_id" for field in model._meta.local_concrete_fields)
    ]


def table(model):
    return model._meta.db_table


def ours():
    """Return the apps of this repository, by label."""
    return [
        config.label
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(settings.BASE_DIR)
        and ".venv" not in config.path
        and (Path(config.path) / "migrations").is_dir()
    ]


def asked(sql, params=None):
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.fixture
def schema(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield
        connections.close_all()


class TestTenantTables:
    def test_have_row_level_security_forced(self, schema):
        flags = {name: (secured, forced) for name, secured, forced in asked(FLAGS)}

        assert len(tenant_models()) >= 11
        for model in tenant_models():
            assert flags[table(model)] == (True, True), table(model)

    def test_are_all_models(self, schema):
        unmanaged = {name for name, *_ in asked(FLAGS)} - {table(m) for m in tenant_models()}

        assert unmanaged == set()

    def test_carry_their_policies(self, schema):
        for model in tenant_models():
            found = dict(asked(POLICIES, [table(model)]))
            worker = {f"{table(model)}_worker"} & set(found)
            expected = {f"{table(model)}_tenant", f"{table(model)}_operator"} | worker
            assert set(found) == expected, table(model)
            for name, roles in found.items():
                kind = name.rpartition("_")[2]
                role = {"tenant": "awooop_app"}.get(kind, f"awooop_{kind}")
                assert roles == [role], name

    def test_carry_the_project_in_every_key(self, schema):
        """By Django's own introspection, so not by the doctor's eyes."""
        tenants = {table(model) for model in tenant_models()}
        with connections["default"].cursor() as cursor:
            for name in tenants:
                found = connections["default"].introspection.get_constraints(cursor, name)
                for key, facts in found.items():
                    to_tenant = facts["foreign_key"] and facts["foreign_key"][0] in tenants
                    if facts["primary_key"] or facts["unique"] or to_tenant:
                        assert "project_id" in facts["columns"], (name, key)

    def test_have_no_automatic_many_to_many(self):
        tenants = set(tenant_models())
        for model in apps.get_models(include_auto_created=True):
            targets = {field.related_model for field in model._meta.fields if field.is_relation}
            assert model in tenants or not (targets & tenants), model

    def test_have_no_number_that_counts_across_tenants(self):
        for model in tenant_models():
            for field in model._meta.local_concrete_fields:
                assert not isinstance(field, models.AutoField), field

    def test_refer_to_each_other_with_keys_of_the_database_only(self):
        """A Django ForeignKey between tenant tables would carry one column: no project."""
        tenants = set(tenant_models())
        for model in tenants:
            for field in model._meta.local_fields:
                if field.is_relation and field.related_model in tenants:
                    assert not field.db_constraint, field


class TestMigrations:
    def test_raise_walls_in_the_app_that_makes_the_table(self):
        """A table and its walls arrive together: read from the migrations, without a database."""
        for model in tenant_models():
            label = model._meta.app_label
            raised = set()
            for path in (Path(apps.get_app_config(label).path) / "migrations").glob("0*.py"):
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.Call) and _called(node) == TenantWalls.__name__:
                        raised.add(node.args[0].value)
            assert model.__name__ in raised, f"{label} raises no walls for {model.__name__}"

    def test_can_be_taken_back_and_made_again(self, schema):
        with scratch_database() as cursor:
            call_command("migrate", database="owner", verbosity=0)
            cursor.execute(FINGERPRINT)
            before = sorted(map(repr, cursor.fetchall()))
            for label in ours():
                call_command("migrate", label, "zero", database="owner", verbosity=0)
            cursor.execute(REMAINS)
            assert cursor.fetchall() == []
            call_command("migrate", database="owner", verbosity=0)
            cursor.execute(FINGERPRINT)
            again = sorted(map(repr, cursor.fetchall()))

        assert again == before

    @pytest.mark.parametrize("operation", [TenantWalls, TenantKey])
    def test_are_made_of_reversible_operations(self, operation):
        assert operation.reversible


def _called(node):
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


@contextmanager
def scratch_database():
    """An empty database that alias `owner` points at for the length of a block."""
    owner = connections["owner"]
    home = owner.settings_dict["NAME"]
    scratch = f"{home}_walls"
    with owner.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{scratch}"')
        cursor.execute(f'CREATE DATABASE "{scratch}" TEMPLATE template0')
    try:
        _point_at(scratch)
        with connections["owner"].cursor() as cursor:
            yield cursor
    finally:
        _point_at(home)
        with connections["owner"].cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{scratch}"')


def _point_at(name):
    connections["owner"].close()
    connections["owner"].settings_dict["NAME"] = name
