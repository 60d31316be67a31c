"""Raise the walls of the contract table; a body never changes, so it cannot be updated."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantKey, TenantWalls


class Migration(migrations.Migration):
    dependencies = [("contracts", "0001_initial"), ("tenants", "0002_walls")]

    operations = [
        TenantKey("ContractRevision", "revision_id"),
        TenantForeignKey("ContractRevision", (), "awooop_projects", ()),
        TenantWalls("ContractRevision", app="SELECT, INSERT, UPDATE (lifecycle_status)"),
    ]
