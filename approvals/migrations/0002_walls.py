"""Raise the walls of the approvals, and the database's own hold on who decides what, once."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantWalls

RUN = ("awooop_run_state", ["run_id"])
APPROVAL = ("awooop_approval", ["approval_id"])
DECIDED = (
    "UPDATE (standing, disposition, decided_by, decided_at, reason, ticket_id, result, ended_at, "
    "incident_id, playbook_id)"
)

GUARD = """
CREATE FUNCTION awooop_approval_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.standing <> 'pending' OR NEW.disposition <> '' OR NEW.required_signatures < 1
       OR num_nonnulls(NEW.ticket_id, NEW.decided_by, NEW.decided_at, NEW.ended_at) > 0 THEN
      RAISE EXCEPTION 'a request is born pending' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.standing <> NEW.standing AND (OLD.standing <> 'pending' OR NEW.standing NOT IN
       ('approved', 'rejected', 'expired', 'withdrawn')) THEN
    RAISE EXCEPTION 'approval % cannot go from % to %', OLD.approval_id, OLD.standing, NEW.standing
      USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.ticket_id IS NOT NULL AND NEW.ticket_id IS DISTINCT FROM OLD.ticket_id THEN
    RAISE EXCEPTION 'approval % has its ticket', OLD.approval_id USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.ticket_id IS NOT NULL) <> (NEW.standing = 'approved') THEN
    RAISE EXCEPTION 'a ticket is what a yes is worth' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.standing = 'pending' AND NEW.standing = 'approved' AND NEW.required_signatures > (
       SELECT count(*) FROM public.awooop_approval_vote v
        WHERE v.project_id = NEW.project_id AND v.approval_id = NEW.approval_id AND v.is_yes) THEN
    RAISE EXCEPTION 'approval % has too few votes', OLD.approval_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approval_guard BEFORE INSERT OR UPDATE ON awooop_approval
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_guard();

CREATE FUNCTION awooop_approval_vote_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  asked public.awooop_approval%ROWTYPE;
BEGIN
  SELECT * INTO asked FROM public.awooop_approval a
   WHERE a.project_id = NEW.project_id AND a.approval_id = NEW.approval_id FOR SHARE;
  IF asked.standing IS DISTINCT FROM 'pending' THEN
    RAISE EXCEPTION 'nothing waits for this vote' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.voter = asked.requested_by AND NOT asked.requester_may_approve THEN
    RAISE EXCEPTION 'nobody decides on a request of their own' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.voter NOT LIKE 'operator:_%' THEN
    RAISE EXCEPTION 'only people vote' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER vote_guard BEFORE INSERT ON awooop_approval_vote
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_vote_guard();
"""
UNGUARD = """
DROP TRIGGER vote_guard ON awooop_approval_vote;
DROP FUNCTION awooop_approval_vote_guard();
DROP TRIGGER approval_guard ON awooop_approval;
DROP FUNCTION awooop_approval_guard();
"""

# Whoever ends a run that waits, and however: its request waits no longer.
WITHDRAW = """
CREATE FUNCTION awooop_approval_withdraw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.awooop_approval a
     SET standing = 'withdrawn', disposition = 'denied-not-executed', decided_at = clock_timestamp(),
         ended_at = clock_timestamp()
   WHERE a.project_id = NEW.project_id AND a.run_id = NEW.run_id AND a.standing = 'pending';
  RETURN NULL;
END $$;
CREATE TRIGGER approval_withdraw AFTER UPDATE ON awooop_run_state
  FOR EACH ROW WHEN (OLD.state = 'waiting_approval' AND NEW.completed_at IS NOT NULL)
  EXECUTE FUNCTION awooop_approval_withdraw();
"""
UNWITHDRAW = """
DROP TRIGGER approval_withdraw ON awooop_run_state;
DROP FUNCTION awooop_approval_withdraw();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("runs", "0005_effects")]

    operations = [
        TenantForeignKey("Approval", ["run_id"], *RUN),
        TenantWalls("Approval", app=f"SELECT, INSERT, {DECIDED}", worker="SELECT"),
        TenantForeignKey("Vote", ["approval_id"], *APPROVAL),
        TenantWalls("Vote", app="SELECT, INSERT"),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(WITHDRAW, UNWITHDRAW),
    ]
