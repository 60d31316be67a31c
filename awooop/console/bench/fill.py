"""Projects and runs to measure with, written in bulk under the same walls as any other row."""

import time
from collections.abc import Sequence

from django.db import connection, connections
from django.utils import timezone

from awooop.console import onboarding
from awooop.kit.db import tenant_tx
from awooop.tenants.modes import Mode

AGENT = onboarding.DEFAULT_AGENT
TOOLS = tuple(name for name, _ in onboarding.READ_ONLY_TOOLS)
INPUT = '{"question":"why is checkout slow?"}'

COLUMNS = (
    "run_id, project_id, agent_id, state, version, is_shadow, trace_id, trigger_type, trigger_ref, "
    "input, input_sha256, attempt_count, max_attempts, step_count, cost_usd, lease_epoch, "
    "created_at, timeout_at"
)

# UUIDs of version 7 whose millisecond grows with g, so that g is the order of the list.
IDENTITY = (
    "(lpad(to_hex(%(ms)s::bigint + {step}), 12, '0') || '7' || lpad(to_hex(g %% 4096), 3, '0')"
    " || '8' || substr(md5(%(project)s || g), 1, 15))::uuid"
)

_PENDING = f"""
INSERT INTO {{table}}
       ({COLUMNS})
SELECT {IDENTITY.format(step="g")}, %(project)s, '{AGENT}', 'pending', 1, true,
       '00-' || md5(g::text) || '-' || substr(md5(%(project)s), 1, 16) || '-01', 'api', '',
       %(input)s::jsonb, repeat('0', 64), 0, 3, 0, 0, 0, clock_timestamp(),
       clock_timestamp() + interval '1 hour'
  FROM generate_series(1, %(count)s) g
"""


def projects(count: int) -> list[str]:
    """Bring shadow projects with the usual agent on; return their names."""
    names = [f"bench{number}" for number in range(count)]
    for name in names:
        onboard(name)
    return names


def onboard(name: str) -> str:
    """Bring one shadow project on and return its API key."""
    made = onboarding.onboard(
        name, display_name=name, mode=Mode.SHADOW, actor="bench", at=timezone.now()
    )
    return made.api_key


def pending(table: str, names: Sequence[str], count: int) -> None:
    """Let ``count`` runs wait in each project, in ours or in a bare table."""
    for name in names:
        with tenant_tx(name), connection.cursor() as cursor:
            cursor.execute(_PENDING.format(table=table), _params(name, count))


def _params(project: str, count: int) -> dict[str, str | int]:
    first = int(time.time() * 1000) - count
    return {"ms": first, "project": project, "count": count, "input": INPUT}


def as_owner(*statements: str) -> None:
    """Run statements as the owner, each by itself."""
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def renew(tables: Sequence[str]) -> None:
    """Empty the tables: every phase starts without what an earlier one left in the indexes."""
    as_owner(f"TRUNCATE {', '.join(tables)} CASCADE")


def settle(*tables: str) -> None:
    """Let the planner know the tables, and leave autovacuum nothing to do meanwhile."""
    as_owner(*(f"VACUUM ANALYZE {table}" for table in tables))
