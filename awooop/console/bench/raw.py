r"""The anchors: the three bare transactions of a run's life, without anything of ours around them.

The tables have our columns, indexes, storage and row level security, and neither triggers nor
foreign keys. Every client works in a project of its own, so none waits for another's rows. A
statement that ends in ``\gset`` keeps its columns as variables for the following ones.
"""

from django.db import connections
from django.db.backends.utils import CursorWrapper

from awooop.console.bench import fill

CLIENTS = 8
OURS = {
    "raw_run_state": "awooop_run_state",
    "raw_run_transition": "awooop_run_transition",
    "raw_run_step": "awooop_run_step_journal",
    "raw_run_idempotency": "awooop_run_idempotency",
}
RUNS = "raw_run_state"

Script = tuple[str, ...]

_WALK = f"shadow walk: {len(fill.TOOLS)} simulated, 0 blocked"
_STEPS = ",\n".join(
    f"(:project, :run_id, {seq}, '{tool}', 'observability', 'simulated', false, 1, "
    "clock_timestamp(), clock_timestamp())"
    for seq, tool in enumerate(fill.TOOLS, start=1)
)
_AS_TENANT = "SELECT set_config('rls.tenant_id', 'bench' || :client_id, true) AS project \\gset"
_AS_WORKER = (
    "SELECT set_config('role', 'awooop_worker', true), 'bench' || :client_id AS project \\gset"
)

CREATE: Script = (
    "BEGIN",
    _AS_TENANT,
    f"""INSERT INTO raw_run_state ({fill.COLUMNS})
VALUES (raw_id(), :project, '{fill.AGENT}', 'pending', 1, true,
        '00-' || repeat('0', 32) || '-' || repeat('0', 16) || '-01', 'api', '', '{fill.INPUT}',
        repeat('0', 64), 0, 3, 0, 0, 0, clock_timestamp(),
        clock_timestamp() + interval '600 s')
RETURNING run_id \\gset""",
    """INSERT INTO raw_run_idempotency
       (project_id, channel_type, provider_event_id, run_id, payload_sha256, created_at)
VALUES (:project, 'api', gen_random_uuid()::text, :run_id, repeat('0', 64), clock_timestamp())
ON CONFLICT DO NOTHING""",
    "COMMIT",
)

CLAIM: Script = (
    "BEGIN",
    _AS_WORKER,
    """WITH next AS MATERIALIZED (
  SELECT run_id, project_id FROM raw_run_state
   WHERE state = 'pending' AND project_id = :project
   ORDER BY run_id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE raw_run_state r
   SET state = 'running', version = r.version + 1, moved_by = 'worker raw',
       move_reason = 'claimed', worker_id = 'raw', lease_epoch = r.lease_epoch + 1,
       lease_expires_at = clock_timestamp() + interval '20 s', heartbeat_at = clock_timestamp(),
       attempt_count = r.attempt_count + 1, started_at = clock_timestamp()
  FROM next n WHERE r.run_id = n.run_id AND r.project_id = n.project_id
RETURNING r.run_id \\gset""",
    """INSERT INTO raw_run_transition
       (project_id, run_id, version, was, now, reason, actor, lease_epoch, at)
VALUES (:project, :run_id, 2, 'pending', 'running', 'claimed', 'worker raw', 1,
        clock_timestamp())""",
    "COMMIT",
)

FINISH: Script = (
    "BEGIN",
    _AS_TENANT,
    f"""INSERT INTO raw_run_step
       (project_id, run_id, step_seq, tool_name, mcp_gateway_id, result_status, was_blocked,
        lease_epoch, created_at, completed_at)
VALUES {_STEPS}""",
    f"""INSERT INTO raw_run_transition
       (project_id, run_id, version, was, now, reason, actor, lease_epoch, at)
VALUES (:project, :run_id, 3, 'running', 'completed', '{_WALK}', 'worker raw', 1,
        clock_timestamp())""",
    f"""UPDATE raw_run_state
   SET state = 'completed', version = version + 1, moved_by = 'worker raw',
       move_reason = '{_WALK}', lease_expires_at = NULL, completed_at = clock_timestamp(),
       output_sha256 = repeat('0', 64), step_count = {len(fill.TOOLS)}
 WHERE run_id = :run_id AND project_id = :project AND state = 'running' AND lease_epoch = 1""",
    "COMMIT",
)

WORK = CLAIM + FINISH

_ID_18 = "SELECT uuidv7()"
_ID = """
SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
"""


def build() -> None:
    """Make the bare tables beside ours."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        identity = _ID_18 if int(cursor.fetchone()[0]) >= 180_000 else _ID
        cursor.execute(f"CREATE FUNCTION raw_id() RETURNS uuid LANGUAGE sql AS $${identity}$$")
        for raw, ours in OURS.items():
            cursor.execute(f"CREATE TABLE {raw} (LIKE {ours} INCLUDING ALL)")
            _copy_storage(cursor, raw, ours)
            _copy_walls(cursor, raw, ours)


def _copy_storage(cursor: CursorWrapper, raw: str, ours: str) -> None:
    cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [ours])
    if options := cursor.fetchone()[0]:
        cursor.execute(f"ALTER TABLE {raw} SET ({', '.join(options)})")


def _copy_walls(cursor: CursorWrapper, raw: str, ours: str) -> None:
    cursor.execute(f"ALTER TABLE {raw} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    cursor.execute(
        "SELECT policyname, cmd, roles::text[], qual, with_check FROM pg_policies"
        " WHERE tablename = %s",
        [ours],
    )
    for name, command, roles, using, check in cursor.fetchall():
        policy = f'CREATE POLICY "{name}" ON {raw} FOR {command} TO {", ".join(roles)}'
        policy += f" USING ({using})" if using else ""
        cursor.execute(policy + (f" WITH CHECK ({check})" if check else ""))
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON {raw} TO awooop_app, awooop_worker")
