"""The database's own copy of the rules of a run, for whoever comes with raw SQL.

It also writes the transition of each move, so that none can happen unnoted.
"""

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
    IF NEW.state <> 'pending' OR NEW.version <> 1 OR NEW.lease_epoch <> 0 OR NEW.cost_usd <> 0
       OR NEW.attempt_count <> 0 OR NEW.step_count <> 0 OR NEW.max_attempts < 1
       OR num_nonnulls(NEW.worker_id, NEW.lease_expires_at, NEW.started_at, NEW.completed_at) > 0
    THEN
      RAISE EXCEPTION 'a run is born pending' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.trigger_type NOT IN ('channel_event', 'schedule', 'api', 'sub_agent', 'retry') THEN
      RAISE EXCEPTION 'unknown trigger type %', NEW.trigger_type USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.completed_at IS NOT NULL THEN
    RAISE EXCEPTION 'run % has ended (%) and never changes', OLD.run_id, OLD.state
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.attempt_count < OLD.attempt_count OR NEW.step_count < OLD.step_count
     OR NEW.cost_usd < OLD.cost_usd OR NEW.cost_usd = 'NaN' THEN
    RAISE EXCEPTION 'the counters of run % only grow', OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.attempt_count > NEW.max_attempts THEN
    RAISE EXCEPTION 'run % has no attempts left', OLD.run_id USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.completed_at IS NULL) = (NEW.state IN ('completed', 'failed', 'cancelled', 'timeout'))
     OR (NEW.lease_expires_at IS NOT NULL) <> (NEW.state = 'running')
     OR NEW.lease_expires_at > clock_timestamp() + interval '1 day' THEN
    RAISE EXCEPTION 'the times of run % do not fit its state', OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.lease_epoch <> OLD.lease_epoch
                        + (NEW.state = 'running' AND OLD.state <> 'running')::int THEN
    RAISE EXCEPTION 'the epoch of run % counts its claims', OLD.run_id
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
  IF NEW.state <> OLD.state THEN
    INSERT INTO public.awooop_run_transition
           (project_id, run_id, version, was, now, reason, actor, lease_epoch, at)
    VALUES (NEW.project_id, NEW.run_id, NEW.version, OLD.state, NEW.state, NEW.move_reason,
            NEW.moved_by, NEW.lease_epoch, clock_timestamp());
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER run_guard BEFORE INSERT OR UPDATE ON awooop_run_state
  FOR EACH ROW EXECUTE FUNCTION awooop_run_guard();

CREATE FUNCTION awooop_transition_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'only a move writes its transition' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER transition_guard BEFORE INSERT ON awooop_run_transition
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_transition_guard();

CREATE FUNCTION awooop_step_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.result_status <> 'intent' THEN
    RAISE EXCEPTION 'step % of run % has its result', OLD.step_seq, OLD.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.step_seq < 1 OR (NEW.result_status = 'intent') <> (NEW.completed_at IS NULL)
     OR NEW.result_status NOT IN ('intent', 'simulated', 'blocked', 'success', 'error', 'unknown')
  THEN
    RAISE EXCEPTION 'step % of run % is not a step', NEW.step_seq, NEW.run_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER step_guard BEFORE INSERT OR UPDATE ON awooop_run_step_journal
  FOR EACH ROW EXECUTE FUNCTION awooop_step_guard();

-- New steps continue the journal without a gap, under the epoch of a run that lives, or that ends in
-- this very transaction. Asked once a statement: a worker writes all its steps in one.
CREATE FUNCTION awooop_step_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT project_id, run_id, min(step_seq) AS first, max(step_seq) AS last,
                        count(*) AS n, min(lease_epoch) AS low, max(lease_epoch) AS high
                   FROM fresh GROUP BY project_id, run_id) f
      LEFT JOIN public.awooop_run_state r
        ON r.project_id = f.project_id AND r.run_id = f.run_id
     WHERE r.run_id IS NULL OR f.last - f.first + 1 <> f.n
        OR (f.first > 1 AND NOT EXISTS (
              SELECT FROM public.awooop_run_step_journal s
               WHERE s.project_id = f.project_id AND s.run_id = f.run_id
                 AND s.step_seq = f.first - 1))
        OR f.low <> r.lease_epoch OR f.high <> r.lease_epoch
        OR (r.completed_at IS NOT NULL AND r.xmin <> pg_current_xact_id()::xid)) THEN
    RAISE EXCEPTION 'steps leave a gap, or are of a lease that was lost'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER step_fence AFTER INSERT ON awooop_run_step_journal
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION awooop_step_fence();

-- Heartbeats stay on their page (HOT), and the queue's dead entries are swept early.
ALTER TABLE awooop_run_state SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
                                  autovacuum_vacuum_cost_delay = 0);
"""

BACKWARDS = """
ALTER TABLE awooop_run_state RESET (fillfactor, autovacuum_vacuum_scale_factor,
                                    autovacuum_vacuum_cost_delay);
DROP TRIGGER step_fence ON awooop_run_step_journal;
DROP FUNCTION awooop_step_fence();
DROP TRIGGER step_guard ON awooop_run_step_journal;
DROP FUNCTION awooop_step_guard();
DROP TRIGGER transition_guard ON awooop_run_transition;
DROP FUNCTION awooop_transition_guard();
DROP TRIGGER run_guard ON awooop_run_state;
DROP FUNCTION awooop_run_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
