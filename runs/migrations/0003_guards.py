"""The database's own copy of the rules of a run, for whoever comes with raw SQL."""

from django.db import migrations

# As runs.fsm.edges() gives them; a test compares the two.
EDGES = """
  'pending>cancelled', 'pending>running', 'pending>timeout',
  'running>cancelled', 'running>completed', 'running>failed', 'running>pending',
  'running>timeout', 'running>waiting_approval', 'running>waiting_tool',
  'waiting_approval>cancelled', 'waiting_approval>failed', 'waiting_approval>running',
  'waiting_approval>timeout',
  'waiting_tool>cancelled', 'waiting_tool>failed', 'waiting_tool>running', 'waiting_tool>timeout'
"""

FORWARDS = f"""
CREATE FUNCTION awooop_run_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'pending' OR NEW.version <> 1 OR NEW.lease_epoch <> 0
       OR NEW.attempt_count <> 0 OR NEW.step_count <> 0 OR NEW.worker_id IS NOT NULL THEN
      RAISE EXCEPTION 'a run is born pending' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.completed_at IS NOT NULL THEN
    RAISE EXCEPTION 'run % has ended (%) and never changes', OLD.run_id, OLD.state
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.lease_epoch < OLD.lease_epoch OR NEW.lease_epoch > OLD.lease_epoch + 1
     OR NEW.attempt_count < OLD.attempt_count OR NEW.step_count < OLD.step_count
     OR NEW.cost_usd < OLD.cost_usd THEN
    RAISE EXCEPTION 'the counters of run % only grow', OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.version <> OLD.version + (NEW.state <> OLD.state)::int THEN
    RAISE EXCEPTION 'the version of run % counts its moves', OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN ({EDGES}) THEN
    RAISE EXCEPTION 'run % cannot go from % to %', OLD.run_id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state <> OLD.state AND NEW.state = 'running' AND NEW.lease_epoch = OLD.lease_epoch THEN
    RAISE EXCEPTION 'run % starts under a new epoch', OLD.run_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER run_guard BEFORE INSERT OR UPDATE ON awooop_run_state
  FOR EACH ROW EXECUTE FUNCTION awooop_run_guard();

CREATE FUNCTION awooop_run_move_noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM awooop_run_transition t
                  WHERE t.project_id = NEW.project_id AND t.run_id = NEW.run_id
                    AND t.version = NEW.version AND t.was = OLD.state AND t.now = NEW.state) THEN
    RAISE EXCEPTION 'run % moved without a transition row', NEW.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER run_move_noted AFTER UPDATE ON awooop_run_state
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
  EXECUTE FUNCTION awooop_run_move_noted();

CREATE FUNCTION awooop_step_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.result_status <> 'intent' THEN
    RAISE EXCEPTION 'step % of run % has its result', OLD.step_seq, OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER step_guard BEFORE UPDATE ON awooop_run_step_journal
  FOR EACH ROW EXECUTE FUNCTION awooop_step_guard();

-- Heartbeats stay on their page (HOT), and the queue's dead entries are swept early.
ALTER TABLE awooop_run_state SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
                                  autovacuum_vacuum_cost_delay = 0);
"""

BACKWARDS = """
ALTER TABLE awooop_run_state RESET (fillfactor, autovacuum_vacuum_scale_factor,
                                    autovacuum_vacuum_cost_delay);
DROP TRIGGER step_guard ON awooop_run_step_journal;
DROP FUNCTION awooop_step_guard();
DROP TRIGGER run_move_noted ON awooop_run_state;
DROP FUNCTION awooop_run_move_noted();
DROP TRIGGER run_guard ON awooop_run_state;
DROP FUNCTION awooop_run_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
