"""Raise the walls of the operations, and the database's own hold on tickets, endings and resolving."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantWalls

APPROVAL = ("awooop_approval", ["approval_id"])
INCIDENT = ("awooop_incident", ["incident_id"])
OPERATION = ("awooop_operation", ["operation_id"])
PLAYBOOK = ("awooop_playbook", ["playbook_id"])
RUN = ("awooop_run_state", ["run_id"])

CHANGED = (
    "UPDATE (approval_id, incident_id, playbook_id, is_auto_approved, stage, outcome, attempts, "
    "error_code, error, stderr, verdict, verdict_note, looks, effectiveness, earlier, "
    "rollback_note, tries, duration_ms, opened_at, closed_at, verify_by, linked_at, due_at)"
)

# At most one sent effect an approval: a ticket is burned by one effect, and there is a further one
# only when the effect of the last one never left, which then never changes again. So at any moment
# one ticket at most can open anything, and no lock is needed.
TICKETS = """
CREATE FUNCTION awooop_approval_ticket_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last text;
BEGIN
  SELECT COALESCE((SELECT t.ticket_id FROM public.awooop_approval_ticket t
                    WHERE t.project_id = a.project_id AND t.approval_id = a.approval_id
                      AND t.number = NEW.number - 1),
                  CASE NEW.number WHEN 2 THEN a.ticket_id END)
    INTO last FROM public.awooop_approval a
   WHERE a.project_id = NEW.project_id AND a.approval_id = NEW.approval_id
     AND a.standing = 'approved' AND a.ended_at IS NULL;
  IF last IS NULL THEN
    RAISE EXCEPTION 'no ticket % of this approval is due', NEW.number
      USING ERRCODE = 'check_violation';
  END IF;
  IF NOT EXISTS (SELECT FROM public.awooop_tool_effect e
                  WHERE e.project_id = NEW.project_id AND e.ticket_id = last
                    AND e.outcome = 'error' AND e.is_unsent) THEN
    RAISE EXCEPTION 'the ticket before may open something, or has'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ticket_guard BEFORE INSERT ON awooop_approval_ticket
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_ticket_guard();
"""
UNTICKETS = """
DROP TRIGGER ticket_guard ON awooop_approval_ticket;
DROP FUNCTION awooop_approval_ticket_guard();
"""

ENDINGS = """
CREATE FUNCTION awooop_operation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.verdict <> '' OR (NEW.outcome <> '' AND (NEW.kind, NEW.outcome) <> ('observe', 'executed'))
       OR (NEW.kind = 'observe') <> (NEW.outcome <> '') THEN
      RAISE EXCEPTION 'only what touches nothing has ended when it begins'
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.outcome <> '' AND NEW.outcome <> OLD.outcome THEN
    RAISE EXCEPTION 'operation % ended as %', OLD.operation_id, OLD.outcome
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.verdict <> OLD.verdict AND (OLD.verdict <> '' OR NEW.outcome = '') THEN
    RAISE EXCEPTION 'operation % is judged once, after it ended', OLD.operation_id
      USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.incident_id IS NOT NULL AND NEW.incident_id IS DISTINCT FROM OLD.incident_id)
     OR (OLD.approval_id IS NOT NULL AND NEW.approval_id IS DISTINCT FROM OLD.approval_id) THEN
    RAISE EXCEPTION 'operation % is tied already', OLD.operation_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER operation_guard BEFORE INSERT OR UPDATE ON awooop_operation
  FOR EACH ROW EXECUTE FUNCTION awooop_operation_guard();
"""
UNENDINGS = """
DROP TRIGGER operation_guard ON awooop_operation;
DROP FUNCTION awooop_operation_guard();
"""

RESOLVING = """
CREATE FUNCTION awooop_incident_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'open' OR num_nonnulls(NEW.resolved_at, NEW.resolved_by, NEW.resolution_id) > 0
    THEN
      RAISE EXCEPTION 'an incident begins open' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.status = 'resolved' OR (OLD.status = 'investigating' AND NEW.status = 'open') THEN
    RAISE EXCEPTION 'incident % is %', OLD.incident_id, OLD.status
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'resolved' AND (NEW.resolved_by IS NULL OR NEW.resolved_at IS NULL
     OR NOT (NEW.resolved_by LIKE 'operator:_%' AND NEW.resolution_id IS NULL) AND NOT EXISTS (
       SELECT FROM public.awooop_operation o
        WHERE o.project_id = NEW.project_id AND o.operation_id = NEW.resolution_id
          AND o.incident_id = NEW.incident_id AND o.outcome = 'executed'
          AND (o.verdict = 'verified' OR (o.kind = 'observe' AND o.verification IS NULL)))) THEN
    RAISE EXCEPTION 'incident % resolves after a verified operation, or by a person',
      OLD.incident_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER incident_guard BEFORE INSERT OR UPDATE ON awooop_incident
  FOR EACH ROW EXECUTE FUNCTION awooop_incident_guard();
"""
UNRESOLVING = """
DROP TRIGGER incident_guard ON awooop_incident;
DROP FUNCTION awooop_incident_guard();
"""

# However a request ends, its operation ends with it, and what was decided of the anomaly is noted.
FOLLOWING = """
CREATE FUNCTION awooop_operation_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.awooop_anomaly_disposition (project_id, operation_id, anomaly_key, what, at)
  SELECT o.project_id, o.operation_id, i.anomaly_key,
         CASE NEW.standing WHEN 'approved' THEN 'human_approved' ELSE NEW.standing END,
         clock_timestamp()
    FROM public.awooop_operation o
    JOIN public.awooop_incident i
      ON i.project_id = o.project_id AND i.incident_id = o.incident_id
   WHERE o.project_id = NEW.project_id AND o.approval_id = NEW.approval_id
     AND NEW.standing IN ('approved', 'rejected', 'expired')
      ON CONFLICT DO NOTHING;
  IF NEW.standing = 'approved' THEN -- the clock looks whether its run was ended before it began
    UPDATE public.awooop_operation o SET due_at = clock_timestamp() + interval '60 seconds'
     WHERE o.project_id = NEW.project_id AND o.approval_id = NEW.approval_id AND o.outcome = '';
  ELSE
    UPDATE public.awooop_operation o
       SET outcome = 'denied', stage = 'done', due_at = NULL, closed_at = clock_timestamp(),
           error = 'the request was ' || NEW.standing
     WHERE o.project_id = NEW.project_id AND o.approval_id = NEW.approval_id AND o.outcome = '';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER operation_follow AFTER UPDATE ON awooop_approval
  FOR EACH ROW WHEN (OLD.standing = 'pending' AND NEW.standing <> 'pending')
  EXECUTE FUNCTION awooop_operation_follow();
"""
UNFOLLOWING = """
DROP TRIGGER operation_follow ON awooop_approval;
DROP FUNCTION awooop_operation_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_operations"), ("gateway", "0005_unsent")]

    operations = [
        TenantForeignKey("Incident", (), "awooop_projects", ()),
        TenantWalls(
            "Incident",
            app="SELECT, INSERT, UPDATE (status, resolved_at, resolved_by, resolution_id)",
        ),
        TenantForeignKey("Playbook", (), "awooop_projects", ()),
        TenantWalls(
            "Playbook",
            app="SELECT, INSERT, UPDATE (standing, effectiveness, uses, successes, used_at)",
        ),
        TenantForeignKey("Approval", ["incident_id"], *INCIDENT),
        TenantForeignKey("Approval", ["playbook_id"], *PLAYBOOK),
        TenantForeignKey("Operation", ["approval_id"], *APPROVAL),
        TenantForeignKey("Operation", ["run_id"], *RUN),
        TenantForeignKey("Operation", ["incident_id"], *INCIDENT),
        TenantForeignKey("Operation", ["playbook_id"], *PLAYBOOK),
        TenantForeignKey("Operation", ["rollback_of"], *OPERATION),
        TenantForeignKey("Operation", (), "awooop_projects", ()),
        TenantWalls("Operation", app=f"SELECT, INSERT, {CHANGED}", worker="SELECT"),
        TenantForeignKey("Ticket", ["approval_id"], *APPROVAL),
        TenantWalls("Ticket", app="SELECT, INSERT", worker="SELECT"),
        TenantForeignKey("Knowledge", ["operation_id"], *OPERATION),
        TenantWalls(
            "Knowledge",
            app="SELECT, INSERT, UPDATE (incident_id, title, body, category, tags, did_not_work)",
        ),
        TenantForeignKey("AnomalyDisposition", ["operation_id"], *OPERATION),
        TenantWalls("AnomalyDisposition", app="SELECT, INSERT"),
        TenantForeignKey("Notice", ["operation_id"], *OPERATION),
        TenantWalls("Notice", app="SELECT, INSERT, UPDATE (taken_at)"),
        migrations.RunSQL(TICKETS, UNTICKETS),
        migrations.RunSQL(ENDINGS, UNENDINGS),
        migrations.RunSQL(RESOLVING, UNRESOLVING),
        migrations.RunSQL(FOLLOWING, UNFOLLOWING),
    ]
