"""The fence of money: only who holds a run may set money aside for it."""

from django.db import migrations

# Fires before the ledger's own trigger, by its name. A lease that was lost writes nothing.
FORWARDS = """
CREATE FUNCTION awooop_budget_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.awooop_run_state r
              WHERE r.project_id = NEW.project_id AND r.run_id = NEW.run_id
                AND (r.state = 'running') IS TRUE AND r.agent_id = NEW.agent_id
                AND r.lease_epoch = NEW.lease_epoch AND r.lease_expires_at > clock_timestamp())
  THEN
    RETURN NEW;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER budget_fence BEFORE INSERT ON awooop_budget_ledger
  FOR EACH ROW WHEN (NEW.kind = 'reserve' AND NEW.run_id IS NOT NULL)
  EXECUTE FUNCTION awooop_budget_fence();
"""

BACKWARDS = """
DROP TRIGGER budget_fence ON awooop_budget_ledger;
DROP FUNCTION awooop_budget_fence();
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_guards"), ("ledger", "0003_reckoning")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
