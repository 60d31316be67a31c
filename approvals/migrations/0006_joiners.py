"""Who asked for what waited already: they decide on it as little as whoever asked first."""

from django.db import migrations, models

from awooop.kit.rls import TenantForeignKey, TenantWalls

APPROVAL = ("awooop_approval", ["approval_id"])

# The request's row stays locked until the commit: a decision comes before the joining, and there is
# nothing to join, or after it, and counts without the joiner.
GUARD = """
CREATE FUNCTION awooop_approval_joiner_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM public.awooop_approval a
    WHERE a.project_id = NEW.project_id AND a.approval_id = NEW.approval_id
      AND a.standing = 'pending' FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'nothing waits to be joined' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER joiner_guard BEFORE INSERT ON awooop_approval_joiner
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_joiner_guard();

CREATE FUNCTION awooop_approval_vote_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.awooop_approval_joiner j
               JOIN public.awooop_approval a
                 ON a.project_id = j.project_id AND a.approval_id = j.approval_id
              WHERE j.project_id = NEW.project_id AND j.approval_id = NEW.approval_id
                AND j.joiner = NEW.voter AND NOT a.requester_may_approve) THEN
    RAISE EXCEPTION 'nobody decides on a request of their own' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER vote_own BEFORE INSERT ON awooop_approval_vote
  FOR EACH ROW EXECUTE FUNCTION awooop_approval_vote_own();

CREATE FUNCTION awooop_approval_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.required_signatures > (
       SELECT count(*) FROM public.awooop_approval_vote v
        WHERE v.project_id = NEW.project_id AND v.approval_id = NEW.approval_id AND v.is_yes
          AND (NEW.requester_may_approve OR NOT EXISTS (
                SELECT FROM public.awooop_approval_joiner j
                 WHERE j.project_id = v.project_id AND j.approval_id = v.approval_id
                   AND j.joiner = v.voter))) THEN
    RAISE EXCEPTION 'approval % has too few votes of others', OLD.approval_id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approval_own BEFORE UPDATE ON awooop_approval
  FOR EACH ROW WHEN (OLD.standing = 'pending' AND NEW.standing = 'approved')
  EXECUTE FUNCTION awooop_approval_count();
"""
UNGUARD = """
DROP TRIGGER approval_own ON awooop_approval;
DROP FUNCTION awooop_approval_count();
DROP TRIGGER vote_own ON awooop_approval_vote;
DROP FUNCTION awooop_approval_vote_own();
DROP TRIGGER joiner_guard ON awooop_approval_joiner;
DROP FUNCTION awooop_approval_joiner_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_operations_walls")]

    operations = [
        migrations.CreateModel(
            name="Joiner",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "approval_id",
                        "joiner",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("approval_id", models.UUIDField()),
                ("joiner", models.CharField(max_length=150)),
                ("joined_at", models.DateTimeField(verbose_name="joined")),
            ],
            options={"db_table": "awooop_approval_joiner"},
        ),
        TenantForeignKey("Joiner", ["approval_id"], *APPROVAL),
        TenantWalls("Joiner", app="SELECT, INSERT"),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
