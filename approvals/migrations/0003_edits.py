"""What a person has edited: another request in the place of the first, and what is different."""

from django.db import migrations, models

from awooop.kit.rls import TenantForeignKey

# An edit changes what is asked for, never of whom: the same run, agent and tool.
GUARD = """
CREATE FUNCTION awooop_approval_edit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.is_edited <> (NEW.edited_from IS NOT NULL) THEN
    RAISE EXCEPTION 'an edit names what it edits' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.edited_from IS NOT NULL AND NOT EXISTS (
       SELECT FROM public.awooop_approval a
        WHERE a.project_id = NEW.project_id AND a.approval_id = NEW.edited_from
          AND a.standing = 'withdrawn' AND a.run_id = NEW.run_id AND a.agent_id = NEW.agent_id
          AND a.tool_name = NEW.tool_name AND a.action_sha256 <> NEW.action_sha256) THEN
    RAISE EXCEPTION 'approval % is no edit of %', NEW.approval_id, NEW.edited_from
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approval_edit_guard BEFORE INSERT ON awooop_approval
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_edit_guard();
"""
UNGUARD = """
DROP TRIGGER approval_edit_guard ON awooop_approval;
DROP FUNCTION awooop_approval_edit_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="approval",
            name="changes",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="approval",
            name="edited_from",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(
                models.F("project_id"),
                models.F("agent_id"),
                models.F("tool_name"),
                models.OrderBy(models.F("approval_id"), descending=True),
                name="approval_by_tool",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                models.F("project_id"), models.F("edited_from"), name="approval_edited_once"
            ),
        ),
        TenantForeignKey("Approval", ["edited_from"], "awooop_approval", ["approval_id"]),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
