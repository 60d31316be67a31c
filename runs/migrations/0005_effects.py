"""The fence of effects: only who holds a run may claim one for it, and never beside its ending."""

from django.db import migrations

# The run's row stays locked until the claim has committed: a cancel, an expiry or another worker
# comes before it, and there is no claim, or after it.
FORWARDS = """
CREATE FUNCTION awooop_effect_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM public.awooop_run_state r
    WHERE r.project_id = NEW.project_id AND r.run_id = NEW.run_id
      AND (r.state = 'running') IS TRUE AND r.agent_id = NEW.agent_id
      AND r.lease_epoch = NEW.lease_epoch AND r.lease_expires_at > clock_timestamp()
      FOR SHARE;
  IF FOUND THEN
    RETURN NEW;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER effect_fence BEFORE INSERT ON awooop_tool_effect
  FOR EACH ROW WHEN (NEW.run_id IS NOT NULL) EXECUTE FUNCTION awooop_effect_fence();
"""

BACKWARDS = """
DROP TRIGGER effect_fence ON awooop_tool_effect;
DROP FUNCTION awooop_effect_fence();
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_money"), ("gateway", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
