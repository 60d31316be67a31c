"""What the database refuses whoever asks: a key that comes back, a budget that is no number."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION awooop_key_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a revoked key stays revoked' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER key_guard BEFORE UPDATE ON awooop_api_key
  FOR EACH ROW
  WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
  EXECUTE FUNCTION awooop_key_guard();

ALTER TABLE awooop_projects
  ADD CONSTRAINT project_budget_is_a_number CHECK (budget_limit_usd <> 'NaN');
"""

BACKWARDS = """
ALTER TABLE awooop_projects DROP CONSTRAINT project_budget_is_a_number;
DROP TRIGGER key_guard ON awooop_api_key;
DROP FUNCTION awooop_key_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
