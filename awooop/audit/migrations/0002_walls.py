"""Raise the walls of the audit tables: written by inserting, read, and nothing else."""

from django.db import migrations

from awooop.kit.rls import TenantWalls


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        TenantWalls(
            "AuditEvent",
            app="SELECT, INSERT (project_id, event_id, act, actor, target_type, target, outcome, "
            "code, run_id, facts, content_sha256)",
        ),
        TenantWalls(
            "AuditChain",
            app="SELECT, INSERT, UPDATE (seq, at, prev_hash, hash, sealed_seq, checked_at, fault)",
            worker="SELECT",
        ),
        TenantWalls("AuditCheckpoint", app="SELECT, INSERT"),
    ]
