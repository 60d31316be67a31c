"""Raise the walls of the ledger. The worker reads what its heartbeat and its reaper judge by."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantWalls

PROJECTS = ("awooop_projects", ())
COUNTED = "UPDATE (reserved_usd, spent_usd, reserved_tokens, spent_tokens, calls)"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("tenants", "0004_time_zone")]

    operations = [
        TenantForeignKey("Budget", (), *PROJECTS),
        TenantWalls(
            "Budget",
            app="SELECT, INSERT, UPDATE (limit_usd, limit_tokens, changed_by, changed_at), DELETE",
            worker="SELECT",
        ),
        TenantForeignKey("Account", (), *PROJECTS),
        TenantWalls("Account", app=f"SELECT, INSERT, {COUNTED}", worker="SELECT"),
        TenantForeignKey("Entry", (), *PROJECTS),
        TenantWalls("Entry", app="SELECT, INSERT", worker="SELECT"),
        TenantForeignKey("Hold", (), *PROJECTS),
        TenantWalls("Hold", app="SELECT, INSERT, DELETE", worker="SELECT"),
        TenantForeignKey("Alert", (), *PROJECTS),
        TenantWalls("Alert", app="SELECT, INSERT"),
    ]
