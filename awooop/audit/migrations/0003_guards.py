"""The database's own hold on the evidence: it links each event, and lets nothing be rewritten."""

from django.db import migrations

GENESIS = "0" * 64
FROZEN = ("awooop_audit_event", "awooop_audit_checkpoint")

# The same sum as awooop.audit.chain.link(); a test compares the two.
LINK = f"""
-- Fires at the commit: the chain is held while the server commits and no longer, whatever the client
-- does between recording and committing.
CREATE FUNCTION awooop_audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before text := current_setting('rls.tenant_id', true);
BEGIN
  -- The chain of the row, which was let into the inbox as this project's or the platform's.
  IF before IS DISTINCT FROM NEW.project_id THEN
    PERFORM set_config('rls.tenant_id', NEW.project_id, true);
  END IF;
  -- Writers of one chain queue here: a wait for the row itself would wake each of them twice.
  PERFORM pg_advisory_xact_lock(hashtext('awooop.audit'), hashtext(NEW.project_id));
  LOOP
    WITH head AS (
      UPDATE public.awooop_audit_chain c
         SET seq = c.seq + 1, prev_hash = c.hash, at = t.now,
             hash = encode(sha256(convert_to(concat_ws(E'\\n', c.hash, c.seq + 1,
               (extract(epoch FROM t.now) * 1000000)::bigint, NEW.content_sha256), 'UTF8')), 'hex')
        FROM clock_timestamp() AS t (now)
       WHERE c.project_id = NEW.project_id
      RETURNING c.seq, c.at, c.prev_hash, c.hash
    ), taken AS (
      DELETE FROM public.awooop_audit_inbox i
       WHERE i.event_id = NEW.event_id AND i.project_id = NEW.project_id
         AND EXISTS (SELECT FROM head)
    )
    INSERT INTO public.awooop_audit_event
           (project_id, seq, event_id, at, act, actor, target_type, target, outcome, code, run_id,
            facts, content_sha256, prev_hash, hash)
    SELECT NEW.project_id, head.seq, NEW.event_id, head.at, NEW.act, NEW.actor, NEW.target_type,
           NEW.target, NEW.outcome, NEW.code, NEW.run_id, NEW.facts, NEW.content_sha256,
           head.prev_hash, head.hash
      FROM head;
    EXIT WHEN FOUND;
    INSERT INTO public.awooop_audit_chain (project_id, seq, at, prev_hash, hash, sealed_seq, fault)
    VALUES (NEW.project_id, 0, clock_timestamp(), '', '{GENESIS}', 0, '') ON CONFLICT DO NOTHING;
  END LOOP;
  IF before IS DISTINCT FROM NEW.project_id THEN
    PERFORM set_config('rls.tenant_id', COALESCE(before, ''), true);
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_link AFTER INSERT ON awooop_audit_inbox
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION awooop_audit_link();

CREATE FUNCTION awooop_audit_path_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence comes in by the inbox and leaves it by the commit'
    USING ERRCODE = 'check_violation';
END $$;

-- What the commit would be refused is refused at once.
CREATE TRIGGER audit_inbox_guard BEFORE INSERT ON awooop_audit_inbox
  FOR EACH ROW WHEN (NOT has_table_privilege('public.awooop_audit_event', 'INSERT'))
  EXECUTE FUNCTION awooop_audit_path_guard();
CREATE TRIGGER audit_path_guard BEFORE INSERT ON awooop_audit_event
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_audit_path_guard();
CREATE TRIGGER audit_path_guard BEFORE UPDATE OR DELETE ON awooop_audit_inbox
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_audit_path_guard();

-- No row of it outlives its transaction, so none needs the log.
ALTER TABLE awooop_audit_inbox SET UNLOGGED;

CREATE FUNCTION awooop_audit_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR (NEW.seq, NEW.hash) IS DISTINCT FROM (OLD.seq, OLD.hash)
     OR (NEW.sealed_seq <> OLD.sealed_seq
         AND NEW.sealed_seq NOT BETWEEN OLD.sealed_seq AND OLD.seq) THEN
    RAISE EXCEPTION 'only evidence moves the head of its chain' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER audit_head_guard BEFORE INSERT OR UPDATE ON awooop_audit_chain
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION awooop_audit_head_guard();

CREATE FUNCTION awooop_audit_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is never changed (% of %)', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'check_violation';
END $$;

ALTER TABLE awooop_audit_chain SET (fillfactor = 50);
"""

FREEZE = """
CREATE TRIGGER audit_frozen BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION awooop_audit_frozen();
CREATE TRIGGER audit_kept BEFORE TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION awooop_audit_frozen();
"""

KEPT_HEAD = """
CREATE TRIGGER audit_frozen BEFORE DELETE ON awooop_audit_chain
  FOR EACH ROW EXECUTE FUNCTION awooop_audit_frozen();
CREATE TRIGGER audit_kept BEFORE TRUNCATE ON awooop_audit_chain
  FOR EACH STATEMENT EXECUTE FUNCTION awooop_audit_frozen();
"""

THAW = "DROP TRIGGER audit_frozen ON {table}; DROP TRIGGER audit_kept ON {table};"

UNLINK = """
ALTER TABLE awooop_audit_chain RESET (fillfactor);
DROP FUNCTION awooop_audit_frozen();
DROP TRIGGER audit_head_guard ON awooop_audit_chain;
DROP FUNCTION awooop_audit_head_guard();
DROP TRIGGER audit_path_guard ON awooop_audit_inbox;
DROP TRIGGER audit_path_guard ON awooop_audit_event;
DROP TRIGGER audit_inbox_guard ON awooop_audit_inbox;
DROP FUNCTION awooop_audit_path_guard();
DROP TRIGGER audit_link ON awooop_audit_inbox;
DROP FUNCTION awooop_audit_link();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_walls")]

    operations = [
        migrations.RunSQL(LINK, UNLINK),
        *(migrations.RunSQL(FREEZE.format(table=t), THAW.format(table=t)) for t in FROZEN),
        migrations.RunSQL(KEPT_HEAD, THAW.format(table="awooop_audit_chain")),
    ]
