"""The arithmetic of money: a trigger on the ledger keeps accounts, holds and alerts.

An entry comes in as ``reserve``, ``settle`` or ``release``. What cannot be reserved becomes an entry
``refused``; a settlement or release of nothing writes nothing. Nobody else touches the counters.
"""

from django.db import migrations

FORWARDS = """
-- The accounts an entry touches, in the order in which they are locked: the hottest last.
CREATE FUNCTION awooop_budget_accounts(for_agent text, for_run text, for_day date, for_month date)
RETURNS TABLE (rank int, level text, key text, period text, starts_on date)
LANGUAGE sql IMMUTABLE AS $$
  SELECT w.rank, w.level, w.key, w.period, w.starts_on
    FROM (VALUES (1, 'run', for_run, 'total', date '0001-01-01'),
                 (2, 'agent', for_agent, 'day', for_day),
                 (3, 'agent', for_agent, 'month', for_month),
                 (4, 'project', '', 'day', for_day),
                 (5, 'project', '', 'month', for_month)
         ) AS w (rank, level, key, period, starts_on)
   WHERE w.key IS NOT NULL
$$;

-- Where each of them stands: the limits that hold now (an agent's own row before the one for each
-- agent, the stricter of the project's two monthly limits) and the counters. Each row is looked up by
-- its whole key, also by a plan that was made while the tables were small.
CREATE FUNCTION awooop_budget_standing(
  of_project text, for_agent text, for_run text, for_day date, for_month date)
RETURNS TABLE (rank int, level text, key text, period text, starts_on date,
               limit_usd numeric, limit_tokens bigint, spent_usd numeric, reserved_usd numeric,
               spent_tokens bigint, reserved_tokens bigint, calls int)
LANGUAGE sql STABLE AS $$
  SELECT w.rank, w.level, w.key, w.period, w.starts_on,
         CASE WHEN w.rank = 5 THEN LEAST(b.limit_usd, (
           SELECT p.budget_limit_usd FROM public.awooop_projects p
            WHERE p.project_id = of_project)) ELSE b.limit_usd END,
         b.limit_tokens, COALESCE(c.spent_usd, 0), COALESCE(c.reserved_usd, 0),
         COALESCE(c.spent_tokens, 0), COALESCE(c.reserved_tokens, 0), COALESCE(c.calls, 0)
    FROM public.awooop_budget_accounts(for_agent, for_run, for_day, for_month) w
    LEFT JOIN LATERAL (
      SELECT s.limit_usd, s.limit_tokens FROM public.awooop_budget s
       WHERE s.project_id = of_project AND s.scope = w.level AND s.period = w.period
         AND s.agent_id IN ('', for_agent)
       ORDER BY s.agent_id DESC LIMIT 1) b ON true
    LEFT JOIN LATERAL (
      SELECT a.spent_usd, a.reserved_usd, a.spent_tokens, a.reserved_tokens, a.calls
        FROM public.awooop_budget_account a
       WHERE a.project_id = of_project AND a.level = w.level AND a.period = w.period
         AND a.starts_on = w.starts_on AND a.key = w.key LIMIT 1) c ON true
$$;

CREATE FUNCTION awooop_budget_reckon() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  made public.awooop_budget_ledger;
  missing int;
  places tid[];
  place tid;
  back_usd numeric;
  back_tokens bigint;
BEGIN
  IF (NEW.kind IN ('reserve', 'settle', 'release')) IS NOT TRUE THEN
    RAISE EXCEPTION 'nobody writes an entry %', NEW.kind USING ERRCODE = 'check_violation';
  END IF;
  -- NaN is greater than every number.
  IF (NEW.usd BETWEEN 0 AND 1000000 AND NEW.tokens BETWEEN 0 AND 1000000000000) IS NOT TRUE THEN
    RAISE EXCEPTION '% USD and % tokens are no amount', NEW.usd, NEW.tokens
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.at := clock_timestamp();
  NEW.refused_level := NULL;
  NEW.refused_period := NULL;

  IF NEW.kind = 'reserve' THEN
    IF NEW.agent_id = '' THEN
      RAISE EXCEPTION 'somebody spends it: name the agent' USING ERRCODE = 'check_violation';
    END IF;
    SELECT d.day, m.month, (
             SELECT count(*)
               FROM public.awooop_budget_accounts(NEW.agent_id, NEW.run_id::text, d.day, m.month) w
              WHERE NOT EXISTS (
                SELECT FROM public.awooop_budget_account a
                 WHERE a.project_id = NEW.project_id AND a.level = w.level
                   AND a.period = w.period AND a.starts_on = w.starts_on AND a.key = w.key
                OFFSET 0))
      INTO NEW.day, NEW.month, missing
      FROM public.awooop_projects p,
           LATERAL (SELECT (NEW.at AT TIME ZONE p.time_zone)::date AS day) d,
           LATERAL (SELECT date_trunc('month', d.day)::date AS month) m
     WHERE p.project_id = NEW.project_id;
    IF NOT FOUND THEN
      RETURN NEW;  -- another tenant's: the walls refuse it next
    END IF;
    IF missing > 0 THEN  -- before any lock is held: two who open the same one wait for each other
      INSERT INTO public.awooop_budget_account
             (project_id, level, period, starts_on, key, reserved_usd, spent_usd, reserved_tokens,
              spent_tokens, calls)
      SELECT NEW.project_id, w.level, w.period, w.starts_on, w.key, 0, 0, 0, 0, 0
        FROM public.awooop_budget_accounts(
               NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) w
       ORDER BY w.rank
      ON CONFLICT DO NOTHING;
    END IF;
  ELSE
    SELECT e.* INTO made FROM public.awooop_budget_ledger e
     WHERE e.project_id = NEW.project_id AND e.reservation_id = NEW.reservation_id
       AND e.kind = 'reserve';
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    NEW.run_id := made.run_id;
    NEW.lease_epoch := made.lease_epoch;
    NEW.agent_id := made.agent_id;
    NEW.day := made.day;
    NEW.month := made.month;
    NEW.purpose := made.purpose;
  END IF;

  -- A statement of its own: the next one's snapshot sees what the locks' last holders committed. From
  -- here on each row is named by its place, which no plan can turn into a walk.
  SELECT array_agg(locked.tid) INTO places
    FROM (SELECT held.tid
            FROM (SELECT * FROM public.awooop_budget_accounts(
                    NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) ORDER BY rank) w,
                 LATERAL (SELECT a.ctid AS tid FROM public.awooop_budget_account a
                           WHERE a.project_id = NEW.project_id AND a.level = w.level
                             AND a.period = w.period AND a.starts_on = w.starts_on
                             AND a.key = w.key FOR UPDATE) held) locked;

  IF NEW.kind = 'reserve' THEN
    SELECT l.level, l.period INTO NEW.refused_level, NEW.refused_period
      FROM public.awooop_budget_standing(
             NEW.project_id, NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) l
     WHERE l.spent_usd + l.reserved_usd + NEW.usd > l.limit_usd
        OR l.spent_tokens + l.reserved_tokens + NEW.tokens > l.limit_tokens
     ORDER BY l.rank LIMIT 1;
    IF FOUND THEN
      NEW.kind := 'refused';
      RETURN NEW;
    END IF;
    INSERT INTO public.awooop_budget_hold
           (project_id, reservation_id, run_id, agent_id, usd, tokens, expires_at)
    VALUES (NEW.project_id, NEW.reservation_id, NEW.run_id, NEW.agent_id, NEW.usd, NEW.tokens,
            NEW.at + interval '15 minutes');
    FOREACH place IN ARRAY places LOOP
      UPDATE public.awooop_budget_account a
         SET reserved_usd = a.reserved_usd + NEW.usd,
             reserved_tokens = a.reserved_tokens + NEW.tokens
       WHERE a.ctid = place;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'an account moved under its lock' USING ERRCODE = 'data_corrupted';
      END IF;
    END LOOP;
    RETURN NEW;
  END IF;

  IF NEW.kind = 'settle' THEN
    PERFORM FROM public.awooop_budget_ledger e
      WHERE e.project_id = NEW.project_id AND e.reservation_id = NEW.reservation_id
        AND e.kind = 'settle';
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  DELETE FROM public.awooop_budget_hold h
   WHERE h.project_id = NEW.project_id AND h.reservation_id = NEW.reservation_id
  RETURNING h.usd, h.tokens INTO back_usd, back_tokens;
  IF NEW.kind = 'release' THEN
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
    NEW.usd := back_usd;
    NEW.tokens := back_tokens;
  END IF;
  FOREACH place IN ARRAY places LOOP
    UPDATE public.awooop_budget_account a
       SET reserved_usd = a.reserved_usd - COALESCE(back_usd, 0),
           reserved_tokens = a.reserved_tokens - COALESCE(back_tokens, 0),
           spent_usd = a.spent_usd + CASE NEW.kind WHEN 'settle' THEN NEW.usd ELSE 0 END,
           spent_tokens = a.spent_tokens + CASE NEW.kind WHEN 'settle' THEN NEW.tokens ELSE 0 END,
           calls = a.calls + (NEW.kind = 'settle')::int
     WHERE a.ctid = place;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'an account moved under its lock' USING ERRCODE = 'data_corrupted';
    END IF;
  END LOOP;
  IF NEW.kind = 'release' THEN
    RETURN NEW;
  END IF;

  WITH stood AS MATERIALIZED (
    SELECT * FROM public.awooop_budget_standing(
             NEW.project_id, NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month)
  ), noted AS (
    INSERT INTO public.awooop_budget_alert
           (project_id, level, key, period, starts_on, threshold, at)
    SELECT NEW.project_id, l.level, l.key, l.period, l.starts_on, t.threshold, NEW.at
      FROM stood l, (VALUES (50), (80), (95)) AS t (threshold)
     WHERE (l.spent_usd > 0 AND l.spent_usd * 100 >= l.limit_usd * t.threshold)
        OR (l.spent_tokens > 0
            AND l.spent_tokens::numeric * 100 >= l.limit_tokens::numeric * t.threshold)
    ON CONFLICT DO NOTHING
  )
  SELECT l.level, l.period INTO NEW.refused_level, NEW.refused_period
    FROM stood l WHERE l.spent_usd > l.limit_usd OR l.spent_tokens > l.limit_tokens
   ORDER BY l.rank LIMIT 1;
  RETURN NEW;
END $$;

CREATE TRIGGER budget_reckon BEFORE INSERT ON awooop_budget_ledger
  FOR EACH ROW EXECUTE FUNCTION awooop_budget_reckon();

CREATE FUNCTION awooop_budget_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'only new entries of the ledger change %', TG_TABLE_NAME
    USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER account_guard BEFORE INSERT OR UPDATE OR DELETE ON awooop_budget_account
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_budget_guard();
CREATE TRIGGER hold_guard BEFORE INSERT OR UPDATE OR DELETE ON awooop_budget_hold
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_budget_guard();
CREATE TRIGGER alert_guard BEFORE INSERT OR UPDATE OR DELETE ON awooop_budget_alert
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_budget_guard();
CREATE TRIGGER ledger_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON awooop_budget_ledger
  FOR EACH STATEMENT EXECUTE FUNCTION awooop_budget_guard();

-- NaN is greater than every number, so it passes "not negative".
ALTER TABLE awooop_budget ADD CONSTRAINT budget_is_a_number CHECK (limit_usd <> 'NaN');
-- The counters stay on their page (HOT), and their dead versions are swept early.
ALTER TABLE awooop_budget_account SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,
                                       autovacuum_vacuum_cost_delay = 0);
"""

BACKWARDS = """
ALTER TABLE awooop_budget_account RESET (fillfactor, autovacuum_vacuum_scale_factor,
                                         autovacuum_vacuum_cost_delay);
ALTER TABLE awooop_budget DROP CONSTRAINT budget_is_a_number;
DROP TRIGGER ledger_guard ON awooop_budget_ledger;
DROP TRIGGER alert_guard ON awooop_budget_alert;
DROP TRIGGER hold_guard ON awooop_budget_hold;
DROP TRIGGER account_guard ON awooop_budget_account;
DROP FUNCTION awooop_budget_guard();
DROP TRIGGER budget_reckon ON awooop_budget_ledger;
DROP FUNCTION awooop_budget_reckon();
DROP FUNCTION awooop_budget_standing(text, text, text, date, date);
DROP FUNCTION awooop_budget_accounts(text, text, date, date);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
