"""Raise the walls of the tenant tables."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantKey, TenantWalls

PROJECTS = ("awooop_projects", ())


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        TenantWalls(
            "Project",
            app="SELECT, INSERT, UPDATE (display_name, migration_mode, budget_limit_usd, "
            "max_concurrent_runs, is_active)",
            worker="SELECT",
        ),
        TenantKey("Member", "id"),
        TenantForeignKey("Member", (), *PROJECTS),
        TenantWalls("Member", app="SELECT, INSERT, UPDATE (role), DELETE"),
        TenantKey("ApiKey", "id"),
        TenantForeignKey("ApiKey", (), *PROJECTS),
        TenantWalls("ApiKey", app="SELECT, INSERT, UPDATE (name, expires_at, revoked_at)"),
        TenantKey("PlatformSubject", "platform_subject_id"),
        TenantForeignKey("PlatformSubject", (), *PROJECTS),
        TenantWalls(
            "PlatformSubject",
            app="SELECT, INSERT, UPDATE (channel_chat_id, display_name, roles, last_seen_at)",
        ),
    ]
