"""An effect says of itself when its call never left: only then may the same be tried again."""

from django.db import migrations, models

GRANT = "GRANT UPDATE (is_unsent) ON awooop_tool_effect TO awooop_app"
REVOKE = "REVOKE UPDATE (is_unsent) ON awooop_tool_effect FROM awooop_app"

GUARD = """
CREATE FUNCTION awooop_effect_unsent_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'effect % is no error: it cannot have stayed here', NEW.effect_id
    USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER effect_unsent_guard BEFORE INSERT OR UPDATE ON awooop_tool_effect
  FOR EACH ROW WHEN (NEW.is_unsent AND NEW.outcome <> 'error')
  EXECUTE FUNCTION awooop_effect_unsent_guard();
"""
UNGUARD = """
DROP TRIGGER effect_unsent_guard ON awooop_tool_effect;
DROP FUNCTION awooop_effect_unsent_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0004_logs")]

    operations = [
        migrations.AddField(
            "effect", "is_unsent", models.BooleanField(db_default=False, default=False)
        ),
        migrations.RunSQL(GRANT, REVOKE),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
