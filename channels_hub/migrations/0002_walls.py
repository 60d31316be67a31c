"""Raise the walls of the channel tables; a mirrored event never changes."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantKey, TenantWalls


class Migration(migrations.Migration):
    dependencies = [("channels_hub", "0001_initial"), ("runs", "0002_walls")]

    operations = [
        TenantKey("Channel", "id"),
        TenantForeignKey("Channel", (), "awooop_projects", ()),
        TenantWalls("Channel", app="SELECT, INSERT, UPDATE (agent_id, is_active)"),
        TenantKey("ConversationEvent", "event_id"),
        TenantForeignKey("ConversationEvent", ["run_id"], "awooop_run_state", ["run_id"]),
        TenantForeignKey(
            "ConversationEvent",
            ["platform_subject_id"],
            "awooop_platform_subjects",
            ["platform_subject_id"],
        ),
        TenantWalls("ConversationEvent", app="SELECT, INSERT"),
    ]
