"""One run with a long history, written in bulk."""

from uuid import UUID

from django.db import connection

from awooop.console.bench import fill
from awooop.kit import ids
from awooop.kit.db import tenant_tx

_RUN = f"""
INSERT INTO awooop_run_state
       ({fill.COLUMNS})
VALUES (%(run_id)s, %(project)s, 'agent-0', 'pending', 1, true, '', 'api', '', %(input)s::jsonb,
        repeat('0', 64), 0, 3, 0, 0, 0, clock_timestamp(), clock_timestamp() + interval '1 hour')
"""
_STEPS = """
INSERT INTO awooop_run_step_journal
       (project_id, run_id, step_seq, tool_name, mcp_gateway_id, result_status, was_blocked,
        latency_ms, lease_epoch, created_at, completed_at)
SELECT %(project)s, %(run_id)s, g, 'get_pods', 'observability', 'simulated', false, g %% 90, 1,
       clock_timestamp(), clock_timestamp()
  FROM generate_series(1, %(steps)s) g
"""
_MOVES = """
INSERT INTO awooop_run_transition
       (project_id, run_id, version, was, now, reason, actor, lease_epoch, at)
SELECT %(project)s, %(run_id)s, 1 + g, 'running', 'pending', 'its worker was lost', 'reaper', g,
       clock_timestamp()
  FROM generate_series(1, %(moves)s) g
"""
_SUBJECT = """
INSERT INTO awooop_platform_subjects
       (platform_subject_id, project_id, channel_type, channel_user_id, roles, first_seen_at,
        last_seen_at)
VALUES (%(project)s || ':webhook:bench', %(project)s, 'webhook', 'bench', '{}', clock_timestamp(),
        clock_timestamp())
ON CONFLICT DO NOTHING
"""
_EVENTS = """
INSERT INTO awooop_conversation_event
       (event_id, project_id, run_id, channel_type, provider_event_id, platform_subject_id,
        content_preview, is_duplicate, received_at)
SELECT gen_random_uuid(), %(project)s, %(run_id)s, 'webhook', %(run_id)s || ':' || g,
       %(project)s || ':webhook:bench', 'a disk is nearly full', false, clock_timestamp()
  FROM generate_series(1, %(events)s) g
"""


def make(project: str, steps: int, others: int) -> UUID:
    """Write a run with so many steps, and half as many moves and events each as ``others``."""
    run_id = ids.new_id()
    params: dict[str, str | int | UUID] = {
        "run_id": run_id,
        "project": project,
        "input": fill.INPUT,
        "steps": steps,
        "moves": others // 2,
        "events": others - others // 2,
    }
    with tenant_tx(project), connection.cursor() as cursor:
        for statement in (_RUN, _STEPS, _MOVES, _SUBJECT, _EVENTS):
            cursor.execute(statement, params)
    return run_id
