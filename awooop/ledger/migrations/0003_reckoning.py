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

-- The same with the limits that hold now: an agent's own row before the one for each agent, and the
-- stricter of the project's two monthly limits.
CREATE FUNCTION awooop_budget_levels(
  of_project text, for_agent text, for_run text, for_day date, for_month date)
RETURNS TABLE (rank int, level text, key text, period text, starts_on date,
               limit_usd numeric, limit_tokens bigint)
LANGUAGE sql STABLE AS $$
  SELECT w.rank, w.level, w.key, w.period, w.starts_on,
         CASE WHEN w.rank = 5 THEN LEAST(b.limit_usd, (
           SELECT p.budget_limit_usd FROM public.awooop_projects p
            WHERE p.project_id = of_project)) ELSE b.limit_usd END,
         b.limit_tokens
    FROM public.awooop_budget_accounts(for_agent, for_run, for_day, for_month) w
    LEFT JOIN LATERAL (
      SELECT s.limit_usd, s.limit_tokens FROM public.awooop_budget s
       WHERE s.project_id = of_project AND s.scope = w.level AND s.period = w.period
         AND s.agent_id IN ('', for_agent)
       ORDER BY s.agent_id DESC LIMIT 1) b ON true
$$;

CREATE FUNCTION awooop_budget_reckon() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  zone text;
  made public.awooop_budget_ledger;
  held public.awooop_budget_hold;
BEGIN
  IF (NEW.kind IN ('reserve', 'settle', 'release')) IS NOT TRUE
     OR (current_user = 'awooop_worker' AND NEW.kind <> 'release') THEN
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
    SELECT p.time_zone INTO zone FROM public.awooop_projects p
     WHERE p.project_id = NEW.project_id;
    IF NOT FOUND THEN
      RETURN NEW;  -- another tenant's: the walls refuse it next
    END IF;
    NEW.day := (NEW.at AT TIME ZONE zone)::date;
    NEW.month := date_trunc('month', NEW.day)::date;
    INSERT INTO public.awooop_budget_account
           (project_id, level, period, starts_on, key, reserved_usd, spent_usd, reserved_tokens,
            spent_tokens, calls)
    SELECT NEW.project_id, w.level, w.period, w.starts_on, w.key, 0, 0, 0, 0, 0
      FROM public.awooop_budget_accounts(
             NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) w
     ORDER BY w.rank
    ON CONFLICT DO NOTHING;
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

  -- A statement of its own: the next one's snapshot sees what the locks' last holders committed.
  PERFORM FROM public.awooop_budget_accounts(
            NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) w
    JOIN public.awooop_budget_account a
      ON a.project_id = NEW.project_id AND a.level = w.level AND a.period = w.period
     AND a.starts_on = w.starts_on AND a.key = w.key
   ORDER BY w.rank FOR UPDATE OF a;

  IF NEW.kind = 'reserve' THEN
    SELECT l.level, l.period INTO NEW.refused_level, NEW.refused_period
      FROM public.awooop_budget_levels(
             NEW.project_id, NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) l
      JOIN public.awooop_budget_account a
        ON a.project_id = NEW.project_id AND a.level = l.level AND a.period = l.period
       AND a.starts_on = l.starts_on AND a.key = l.key
     WHERE a.spent_usd + a.reserved_usd + NEW.usd > l.limit_usd
        OR a.spent_tokens + a.reserved_tokens + NEW.tokens > l.limit_tokens
     ORDER BY l.rank LIMIT 1;
    IF FOUND THEN
      NEW.kind := 'refused';
      RETURN NEW;
    END IF;
    UPDATE public.awooop_budget_account a
       SET reserved_usd = a.reserved_usd + NEW.usd,
           reserved_tokens = a.reserved_tokens + NEW.tokens
      FROM public.awooop_budget_accounts(NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) w
     WHERE a.project_id = NEW.project_id AND a.level = w.level AND a.period = w.period
       AND a.starts_on = w.starts_on AND a.key = w.key;
    INSERT INTO public.awooop_budget_hold
           (project_id, reservation_id, run_id, agent_id, usd, tokens, expires_at)
    VALUES (NEW.project_id, NEW.reservation_id, NEW.run_id, NEW.agent_id, NEW.usd, NEW.tokens,
            NEW.at + interval '15 minutes');
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
  RETURNING h.* INTO held;

  IF NEW.kind = 'release' THEN
    IF held.reservation_id IS NULL THEN
      RETURN NULL;
    END IF;
    NEW.usd := held.usd;
    NEW.tokens := held.tokens;
    UPDATE public.awooop_budget_account a
       SET reserved_usd = a.reserved_usd - held.usd,
           reserved_tokens = a.reserved_tokens - held.tokens
      FROM public.awooop_budget_accounts(NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) w
     WHERE a.project_id = NEW.project_id AND a.level = w.level AND a.period = w.period
       AND a.starts_on = w.starts_on AND a.key = w.key;
    RETURN NEW;
  END IF;

  WITH counted AS (
    UPDATE public.awooop_budget_account a
       SET reserved_usd = a.reserved_usd - COALESCE(held.usd, 0),
           reserved_tokens = a.reserved_tokens - COALESCE(held.tokens, 0),
           spent_usd = a.spent_usd + NEW.usd,
           spent_tokens = a.spent_tokens + NEW.tokens,
           calls = a.calls + 1
      FROM public.awooop_budget_levels(
             NEW.project_id, NEW.agent_id, NEW.run_id::text, NEW.day, NEW.month) l
     WHERE a.project_id = NEW.project_id AND a.level = l.level AND a.period = l.period
       AND a.starts_on = l.starts_on AND a.key = l.key
    RETURNING l.rank, l.limit_usd, l.limit_tokens, a.level, a.key, a.period, a.starts_on,
              a.spent_usd, a.spent_tokens
  ), noted AS (
    INSERT INTO public.awooop_budget_alert
           (project_id, level, key, period, starts_on, threshold, at)
    SELECT NEW.project_id, c.level, c.key, c.period, c.starts_on, t.threshold, NEW.at
      FROM counted c, (VALUES (50), (80), (95)) AS t (threshold)
     WHERE (c.spent_usd > 0 AND c.spent_usd * 100 >= c.limit_usd * t.threshold)
        OR (c.spent_tokens > 0 AND c.spent_tokens::numeric * 100 >= c.limit_tokens::numeric * t.threshold)
    ON CONFLICT DO NOTHING
  )
  SELECT c.level, c.period INTO NEW.refused_level, NEW.refused_period
    FROM counted c WHERE c.spent_usd > c.limit_usd OR c.spent_tokens > c.limit_tokens
   ORDER BY c.rank LIMIT 1;
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
DROP FUNCTION awooop_budget_levels(text, text, text, date, date);
DROP FUNCTION awooop_budget_accounts(text, text, date, date);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_walls")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
