"""How often an agent and a tool are used in a minute: counted in Valkey, or in the database.

A process takes calls in advance, a thirty-second of what is left of the minute, and spends them
from memory. No limit is ever passed; close to one, a process may be refused what another has taken
and not spent. What is below 64 a minute is counted call by call.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from threading import Lock

import redis as redis_client

from awooop.kit import redis, waiting
from awooop.kit.db import pipe

WINDOW_SECONDS = 60
_PORTIONS = 32
_MOST_KEPT = 50_000

_COUNT = """
INSERT INTO awooop_gateway_rate AS r (project_id, key, minute, calls)
SELECT %(project_id)s, key, %(minute)s, taken
  FROM unnest(%(keys)s::text[], %(taken)s::int[]) AS asked (key, taken) ORDER BY key
ON CONFLICT (project_id, key, minute) DO UPDATE SET calls = r.calls + excluded.calls
RETURNING key, calls
"""
_FORGET = "DELETE FROM awooop_gateway_rate WHERE project_id = %s AND minute < %s"


@dataclass(slots=True)
class _Purse:
    """What this process has of one limit in one minute.

    :param left: calls taken and not spent.
    :param counted: calls that all processes together had taken, when last asked.
    """

    minute: int
    left: int = 0
    counted: int = 0


_purses: dict[tuple[str, str], _Purse] = {}
_lock = Lock()
_askers = [Lock() for _ in range(64)]


def spend(project_id: str, limits: Mapping[str, int], *, now: float) -> int | None:
    """Count one call, and return how many seconds to wait when a limit is passed, else None.

    :param limits: calls a minute, by what is counted.
    :param now: seconds since 1970.
    """
    minute = int(now // WINDOW_SECONDS)
    if not _take(project_id, limits, minute, whole=True):
        return None
    waiting.ahead()
    with _askers[hash(project_id) % len(_askers)]:  # or each thread takes a portion for itself
        missing = _take(project_id, limits, minute, whole=False)
        wanted = {name: _portion(project_id, name, limits[name], minute) for name in missing}
        counted = _counted(project_id, wanted, minute) if wanted else {}
        got = {name: limits[name] - counted[name] + many for name, many in wanted.items()}
        _put(project_id, {name: min(wanted[name], got[name]) - 1 for name in got}, counted, minute)
    if any(calls < 1 for calls in got.values()):
        return WINDOW_SECONDS - int(now % WINDOW_SECONDS)
    return None


def forget() -> None:
    """Drop what this process has taken and not spent."""
    with _lock:
        _purses.clear()


def _purse(project_id: str, name: str, minute: int) -> _Purse:
    purse = _purses.get((project_id, name))
    return purse if purse is not None and purse.minute == minute else _Purse(minute)


def _take(project_id: str, names: Collection[str], minute: int, *, whole: bool) -> list[str]:
    """Spend one call of each name, and return the names that have none.

    :param whole: spend nothing when any name has none.
    """
    with _lock:
        purses = {name: _purse(project_id, name, minute) for name in names}
        missing = sorted(name for name, purse in purses.items() if purse.left < 1)
        if not (whole and missing):
            for name in purses.keys() - missing:
                purses[name].left -= 1
    return missing


def _portion(project_id: str, name: str, limit: int, minute: int) -> int:
    with _lock:
        return max(1, (limit - _purse(project_id, name, minute).counted) // _PORTIONS)


def _put(
    project_id: str, given: Mapping[str, int], counted: Mapping[str, int], minute: int
) -> None:
    with _lock:
        if len(_purses) >= _MOST_KEPT:
            _purses.clear()
        for name, calls in given.items():
            purse = _purses[project_id, name] = _purse(project_id, name, minute)
            purse.left += max(0, calls)
            purse.counted = counted[name]


def _counted(project_id: str, taken: Mapping[str, int], minute: int) -> Mapping[str, int]:
    """Take calls in advance, and return how many have been taken of each name altogether."""
    counted = redis.ask(lambda server: _in_valkey(server, project_id, taken, minute))
    return counted if counted is not None else _in_database(project_id, taken, minute)


def _in_valkey(
    server: redis_client.Redis, project_id: str, taken: Mapping[str, int], minute: int
) -> dict[str, int]:
    with server.pipeline(transaction=False) as pipeline:
        for name, calls in taken.items():
            key = redis.key("rate", project_id, name, str(minute))
            pipeline.incrby(key, calls)
            pipeline.expire(key, 2 * WINDOW_SECONDS)
        answers = pipeline.execute()
    return dict(zip(taken, map(int, answers[::2]), strict=True))


def _in_database(project_id: str, taken: Mapping[str, int], minute: int) -> dict[str, int]:
    params = {
        "project_id": project_id,
        "keys": list(taken),
        "taken": list(taken.values()),
        "minute": minute,
    }
    with pipe() as p, p.tenant_tx(project_id):
        p.send(_FORGET, [project_id, minute - 1])
        counted = p.send(_COUNT, params)
    return dict(counted.fetchall())
