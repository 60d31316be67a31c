"""Raise the walls of the run tables. What a run is born with cannot be updated by anybody."""

from django.db import migrations

from awooop.kit.rls import TenantForeignKey, TenantKey, TenantWalls

RUN = ("awooop_run_state", ["run_id"])
MUTABLE = (
    "UPDATE (state, version, moved_by, move_reason, output_sha256, attempt_count, step_count, "
    "cost_usd, error_code, error_detail, worker_id, lease_epoch, lease_expires_at, heartbeat_at, started_at, "
    "waiting_since, completed_at, timeout_at)"
)


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial"), ("tenants", "0002_walls")]

    operations = [
        TenantKey("Run", "run_id"),
        TenantForeignKey("Run", (), "awooop_projects", ()),
        TenantForeignKey("Run", ["parent_run_id"], *RUN),
        TenantWalls("Run", app=f"SELECT, INSERT, {MUTABLE}", worker=f"SELECT, {MUTABLE}"),
        TenantForeignKey("Transition", ["run_id"], *RUN),
        TenantWalls("Transition", app="SELECT, INSERT", worker="SELECT, INSERT"),
        TenantForeignKey("Step", ["run_id"], *RUN),
        TenantWalls(
            "Step",
            app="SELECT, INSERT, UPDATE (result_status, was_blocked, block_reason, error_code, "
            "latency_ms, completed_at)",
        ),
        TenantForeignKey("IdempotencyKey", ["run_id"], *RUN),
        TenantWalls("IdempotencyKey", app="SELECT, INSERT"),
    ]
