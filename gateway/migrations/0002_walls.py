"""Raise the walls of the gateway's tables, and the database's own hold on calls and effects."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantWalls

PROJECTS = ("awooop_projects", ())

# Every change of what agents may see counts; writers of one project queue for its row.
COUNT = """
CREATE FUNCTION awooop_gateway_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.awooop_gateway_generation AS g (project_id, number)
  VALUES (NEW.project_id, 1)
  ON CONFLICT (project_id) DO UPDATE SET number = g.number + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER gateway_count AFTER INSERT ON awooop_gateway_tool
  FOR EACH ROW EXECUTE FUNCTION awooop_gateway_count();
CREATE TRIGGER gateway_recount AFTER UPDATE ON awooop_gateway_tool
  FOR EACH ROW WHEN ((OLD.standing, OLD.pin_sha256, OLD.seen_sha256)
                     IS DISTINCT FROM (NEW.standing, NEW.pin_sha256, NEW.seen_sha256))
  EXECUTE FUNCTION awooop_gateway_count();
"""
UNCOUNT = """
DROP TRIGGER gateway_recount ON awooop_gateway_tool;
DROP TRIGGER gateway_count ON awooop_gateway_tool;
DROP FUNCTION awooop_gateway_count();
"""

FREEZE = """
CREATE FUNCTION awooop_tool_call_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a recorded call is never changed (%)', TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER tool_call_frozen BEFORE UPDATE OR DELETE ON awooop_mcp_gateway_audit
  FOR EACH ROW EXECUTE FUNCTION awooop_tool_call_frozen();
CREATE TRIGGER tool_call_kept BEFORE TRUNCATE ON awooop_mcp_gateway_audit
  FOR EACH STATEMENT EXECUTE FUNCTION awooop_tool_call_frozen();
"""
THAW = """
DROP TRIGGER tool_call_kept ON awooop_mcp_gateway_audit;
DROP TRIGGER tool_call_frozen ON awooop_mcp_gateway_audit;
DROP FUNCTION awooop_tool_call_frozen();
"""

# As gateway.effects.EDGES gives them; a test compares the two.
EDGES = """
  'claimed>error', 'claimed>executed', 'claimed>unknown', 'unknown>error', 'unknown>executed'
"""

GUARD = f"""
CREATE FUNCTION awooop_effect_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.outcome <> 'claimed' OR num_nonnulls(NEW.resolved_by, NEW.resolved_at) > 0 THEN
      RAISE EXCEPTION 'an effect is born claimed' USING ERRCODE = 'check_violation';
    END IF;
    NEW.claimed_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF OLD.outcome || '>' || NEW.outcome NOT IN ({EDGES}) THEN
    RAISE EXCEPTION 'effect % cannot go from % to %', OLD.effect_id, OLD.outcome, NEW.outcome
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.resolved_by IS NULL THEN
    RAISE EXCEPTION 'effect % is resolved by nobody', OLD.effect_id
      USING ERRCODE = 'check_violation';
  END IF;
  NEW.resolved_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER effect_guard BEFORE INSERT OR UPDATE ON awooop_tool_effect
  FOR EACH ROW EXECUTE FUNCTION awooop_effect_guard();
"""
UNGUARD = """
DROP TRIGGER effect_guard ON awooop_tool_effect;
DROP FUNCTION awooop_effect_guard();
"""

LIFTED = """
CREATE FUNCTION awooop_switch_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL THEN
    RAISE EXCEPTION 'what a switch has stopped is history' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER switch_guard BEFORE UPDATE OR DELETE ON awooop_kill_switch
  FOR EACH ROW EXECUTE FUNCTION awooop_switch_guard();
CREATE TRIGGER switch_guard BEFORE UPDATE OR DELETE ON awooop_platform_switch
  FOR EACH ROW EXECUTE FUNCTION awooop_switch_guard();
"""
UNLIFTED = """
DROP TRIGGER switch_guard ON awooop_platform_switch;
DROP TRIGGER switch_guard ON awooop_kill_switch;
DROP FUNCTION awooop_switch_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial"), ("tenants", "0005_first_evidence")]

    operations = [
        TenantForeignKey("Provider", (), *PROJECTS),
        TenantWalls("Provider", app="SELECT, INSERT, UPDATE"),
        TenantForeignKey("Tool", (), *PROJECTS),
        TenantWalls("Tool", app="SELECT, INSERT, UPDATE"),
        TenantForeignKey("Generation", (), *PROJECTS),
        TenantWalls("Generation", app="SELECT, INSERT, UPDATE (number)"),
        TenantForeignKey("ToolCall", (), *PROJECTS),
        TenantWalls("ToolCall", app="SELECT, INSERT"),
        TenantForeignKey("Effect", (), *PROJECTS),
        TenantWalls(
            "Effect",
            app="SELECT, INSERT, UPDATE (outcome, error_code, note, resolved_by, resolved_at)",
            worker="SELECT",
        ),
        TenantForeignKey("Switch", (), *PROJECTS),
        TenantWalls("Switch", app="SELECT, INSERT, UPDATE (thrown_at, lifted_by, lifted_at)"),
        TenantForeignKey("Rate", (), *PROJECTS),
        TenantWalls("Rate", app="SELECT, INSERT, UPDATE (calls), DELETE"),
        migrations.RunSQL(COUNT, UNCOUNT),
        migrations.RunSQL(FREEZE, THAW),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(LIFTED, UNLIFTED),
    ]
