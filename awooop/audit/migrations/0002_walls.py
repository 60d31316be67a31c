"""Raise the walls of the audit tables: written by inserting, read, and nothing else."""

from django.db import migrations

from awooop.kit.rls import TenantKey, TenantWalls


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        TenantWalls("AuditEvent", app="SELECT, INSERT"),
        TenantKey("AuditInbox", "event_id"),
        TenantWalls("AuditInbox", app="SELECT, INSERT, DELETE"),
        TenantWalls(
            "AuditChain",
            app="SELECT, INSERT, UPDATE (seq, at, prev_hash, hash, sealed_seq, checked_at, fault)",
            worker="SELECT",
        ),
        TenantWalls("AuditCheckpoint", app="SELECT, INSERT"),
    ]
