"""How often an agent and a tool are used in a minute: counted in Valkey, or in the database."""

from collections.abc import Mapping

import redis as redis_client

from awooop.kit import redis
from awooop.kit.db import pipe

WINDOW_SECONDS = 60
_MOST_EXPIRING = 10_000

_expiring: set[str] = set()  # keys that this process has told Valkey when to forget

_COUNT = """
INSERT INTO awooop_gateway_rate AS r (project_id, key, minute, calls)
SELECT %(project_id)s, key, %(minute)s, 1 FROM unnest(%(keys)s::text[]) AS key ORDER BY key
ON CONFLICT (project_id, key, minute) DO UPDATE SET calls = r.calls + 1
RETURNING key, calls
"""
_FORGET = "DELETE FROM awooop_gateway_rate WHERE project_id = %s AND minute < %s"


def spend(project_id: str, limits: Mapping[str, int], *, now: float) -> int | None:
    """Count one call, and return how many seconds to wait when a limit is passed, else None.

    :param limits: calls a minute, by what is counted.
    :param now: seconds since 1970.
    """
    minute = int(now // WINDOW_SECONDS)
    names = sorted(limits)
    counted = redis.ask(lambda server: _in_valkey(server, project_id, names, minute))
    if counted is None:
        counted = _in_database(project_id, names, minute)
    if any(counted[name] > limits[name] for name in names):
        return WINDOW_SECONDS - int(now % WINDOW_SECONDS)
    return None


def _in_valkey(
    server: redis_client.Redis, project_id: str, names: list[str], minute: int
) -> dict[str, int]:
    keys = [redis.key("rate", project_id, name, str(minute)) for name in names]
    with server.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.incr(key)
        for key in (new := [key for key in keys if key not in _expiring]):
            pipeline.expire(key, 2 * WINDOW_SECONDS)
        answers = pipeline.execute()
    if len(_expiring) >= _MOST_EXPIRING:
        _expiring.clear()
    _expiring.update(new)
    return dict(zip(names, map(int, answers), strict=False))


def _in_database(project_id: str, names: list[str], minute: int) -> dict[str, int]:
    params = {"project_id": project_id, "keys": names, "minute": minute}
    with pipe() as p, p.tenant_tx(project_id):
        p.send(_FORGET, [project_id, minute - 1])
        counted = p.send(_COUNT, params)
    return dict(counted.fetchall())
