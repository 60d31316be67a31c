"""The rules of a revision's life, for whoever comes with raw SQL; signatures are kept for good."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantKey, TenantWalls

# As contracts.lifecycle.EDGES gives them; a test compares the two.
EDGES = """
  'active>retired', 'draft>published', 'published>active', 'published>retired', 'retired>active'
"""

MUTABLE = (
    "UPDATE (body, body_hash, version_major, version_minor, lifecycle_status, published_at, "
    "key_id, signature, activated_at, moved_no)"
)

FORWARDS = f"""

CREATE FUNCTION awooop_contract_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.lifecycle_status <> 'draft' THEN
      RAISE EXCEPTION 'only a draft is thrown away' USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.lifecycle_status <> 'draft' OR num_nonnulls(NEW.version_major, NEW.version_minor,
         NEW.published_at, NEW.key_id, NEW.signature, NEW.activated_at) > 0 THEN
      RAISE EXCEPTION 'a revision is born a draft' USING ERRCODE = 'check_violation';
    END IF;
    NEW.moved_no := 0;
    RETURN NEW;
  END IF;
  IF OLD.lifecycle_status <> 'draft'
     AND (NEW.body, NEW.body_hash, NEW.version_major, NEW.version_minor, NEW.published_at,
          NEW.key_id, NEW.signature)
         IS DISTINCT FROM
         (OLD.body, OLD.body_hash, OLD.version_major, OLD.version_minor, OLD.published_at,
          OLD.key_id, OLD.signature) THEN
    RAISE EXCEPTION 'revision % is published and never changes', OLD.revision_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.lifecycle_status <> 'draft' AND num_nulls(NEW.version_major, NEW.version_minor,
       NEW.published_at, NEW.key_id, NEW.signature) > 0 THEN
    RAISE EXCEPTION 'revision % is published without a signature', OLD.revision_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.lifecycle_status = OLD.lifecycle_status THEN
    NEW.moved_no := OLD.moved_no;
    RETURN NEW;
  END IF;
  IF OLD.lifecycle_status || '>' || NEW.lifecycle_status NOT IN ({EDGES}) THEN
    RAISE EXCEPTION 'revision % cannot go from % to %', OLD.revision_id, OLD.lifecycle_status,
      NEW.lifecycle_status USING ERRCODE = 'check_violation';
  END IF;
  -- Numbers are given and committed in one order: whoever reads a higher one read later.
  PERFORM pg_advisory_xact_lock(hashtext('awooop.contracts'), hashtext(NEW.project_id));
  NEW.moved_no := 1 + (SELECT max(r.moved_no) FROM public.awooop_contract_revision r
                        WHERE r.project_id = NEW.project_id);
  RETURN NEW;
END $$;

CREATE TRIGGER contract_guard BEFORE INSERT OR UPDATE OR DELETE ON awooop_contract_revision
  FOR EACH ROW EXECUTE FUNCTION awooop_contract_guard();

CREATE FUNCTION awooop_contract_signature_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.awooop_contract_revision r
                  WHERE r.project_id = NEW.project_id AND r.revision_id = NEW.revision_id
                    AND r.body_hash = NEW.body_hash AND r.lifecycle_status <> 'draft') THEN
    RAISE EXCEPTION 'only a published body is signed' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER contract_signature_guard BEFORE INSERT ON awooop_contract_signature
  FOR EACH ROW EXECUTE FUNCTION awooop_contract_signature_guard();
"""

BACKWARDS = """
DROP TRIGGER contract_signature_guard ON awooop_contract_signature;
DROP FUNCTION awooop_contract_signature_guard();
DROP TRIGGER contract_guard ON awooop_contract_revision;
DROP FUNCTION awooop_contract_guard();
"""
WIDEN = f"GRANT DELETE, {MUTABLE} ON awooop_contract_revision TO awooop_app"
NARROW = (
    f"REVOKE DELETE, {MUTABLE} ON awooop_contract_revision FROM awooop_app; "
    "GRANT UPDATE (lifecycle_status) ON awooop_contract_revision TO awooop_app"
)


class Migration(migrations.Migration):
    dependencies = [("contracts", "0003_signing"), ("contracts", "0002_walls")]

    operations = [
        TenantKey("ContractSignature", "id"),
        TenantForeignKey(
            "ContractSignature", ["revision_id"], "awooop_contract_revision", ["revision_id"]
        ),
        TenantWalls("ContractSignature", app="SELECT, INSERT"),
        migrations.RunSQL(WIDEN, NARROW),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
