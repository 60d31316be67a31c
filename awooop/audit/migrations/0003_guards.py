"""The database's own hold on the evidence: it links each event, and lets nothing be rewritten."""

from django.db import migrations

GENESIS = "0" * 64
FROZEN = ("awooop_audit_event", "awooop_audit_checkpoint")

# The same sum as awooop.audit.chain.link(); a test compares the two.
LINK = f"""
CREATE FUNCTION awooop_audit_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Writers of one chain queue here: a wait for the row itself would wake each of them twice.
  PERFORM pg_advisory_xact_lock(hashtext('awooop.audit'), hashtext(NEW.project_id));
  NEW.at := clock_timestamp();
  LOOP
    UPDATE public.awooop_audit_chain c
       SET seq = c.seq + 1, prev_hash = c.hash, at = NEW.at,
           hash = encode(sha256(convert_to(concat_ws(E'\\n', c.hash, c.seq + 1,
             (extract(epoch FROM NEW.at) * 1000000)::bigint, NEW.content_sha256), 'UTF8')), 'hex')
     WHERE c.project_id = NEW.project_id
    RETURNING c.seq, c.prev_hash, c.hash INTO NEW.seq, NEW.prev_hash, NEW.hash;
    EXIT WHEN FOUND;
    INSERT INTO public.awooop_audit_chain (project_id, seq, at, prev_hash, hash, sealed_seq, fault)
    VALUES (NEW.project_id, 0, clock_timestamp(), '', '{GENESIS}', 0, '') ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN NEW;
END $$;

CREATE TRIGGER audit_link BEFORE INSERT ON awooop_audit_event
  FOR EACH ROW EXECUTE FUNCTION awooop_audit_link();

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
DROP FUNCTION awooop_audit_frozen();
DROP TRIGGER audit_head_guard ON awooop_audit_chain;
DROP FUNCTION awooop_audit_head_guard();
DROP TRIGGER audit_link ON awooop_audit_event;
DROP FUNCTION awooop_audit_link();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_walls")]

    operations = [
        migrations.RunSQL(LINK, UNLINK),
        *(migrations.RunSQL(FREEZE.format(table=t), THAW.format(table=t)) for t in FROZEN),
        migrations.RunSQL(KEPT_HEAD, THAW.format(table="awooop_audit_chain")),
    ]
