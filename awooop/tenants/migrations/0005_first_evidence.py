"""Every project has a chain from its first day: those that are older get theirs now."""

from django.db import migrations

TABLES = ("awooop_projects", "awooop_audit_event", "awooop_audit_chain")
OLDER = """
SELECT p.project_id, p.migration_mode FROM awooop_projects p
 WHERE NOT EXISTS (SELECT FROM awooop_audit_chain c WHERE c.project_id = p.project_id)
 ORDER BY p.project_id
"""


def begin_chains(apps, schema_editor):
    """As the owner, whom the walls bind too: lowered and raised again in one transaction."""
    from awooop.audit import sink
    from awooop.audit.acts import Act

    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        cursor.execute(OLDER)
        for project_id, mode in cursor.fetchall():
            event = sink.made(
                project_id,
                Act.PROJECT_ONBOARDED,
                actor="migration",
                target=("project", project_id),
                facts={"mode": mode, "carried_over": True},
            )
            cursor.execute(sink.WRITE, sink.params(event))
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_time_zone"), ("audit", "0003_guards")]

    operations = [migrations.RunPython(begin_chains, migrations.RunPython.noop)]
