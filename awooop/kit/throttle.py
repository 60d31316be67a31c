"""How often a caller may ask: a fixed window in Valkey, or in this process while it is away."""

import time
from threading import Lock

import redis as redis_client

from awooop.errors import Code, Exhausted
from awooop.kit import redis, waiting

WINDOW_SECONDS = 60
_MOST_CALLERS = 50_000

_counts: dict[tuple[str, int], int] = {}
_lock = Lock()


def spend(area: str, caller: str, *, limit: int) -> None:
    """Count one request of a caller.

    Each process counts by itself first and asks Valkey, for the sum over all of them, only once it
    has seen a sixteenth of the limit: quiet callers cost no round trip.

    :param limit: requests a minute.
    :raises Exhausted: the minute's limit is spent.
    """
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    share = max(1, limit // 16)
    mine = _count_here(f"{area}:{caller}", window, share)
    seen = mine
    if mine % share == 0:
        seen = max(mine, _count_everywhere(area, caller, window, share) or 0)
    if seen > limit:
        with _lock:
            _counts[f"{area}:{caller}", window] = seen
        wait = WINDOW_SECONDS - int(now % WINDOW_SECONDS)
        raise Exhausted(Code.TOO_FAST, retry_after=wait)


def forget() -> None:
    """Drop this process's counts."""
    with _lock:
        _counts.clear()


def _count_here(caller: str, window: int, share: int) -> int:
    with _lock:
        if len(_counts) >= _MOST_CALLERS:
            _counts.clear()
        count = _counts.get((caller, window), 0) + 1
        if count % share == 0:
            waiting.ahead()
        _counts[caller, window] = count
    return count


def _count_everywhere(area: str, caller: str, window: int, share: int) -> int | None:
    name = redis.key("throttle", area, caller, str(window))

    def ask(server: redis_client.Redis) -> int:
        with server.pipeline(transaction=False) as pipeline:
            pipeline.incrby(name, share)
            pipeline.expire(name, 2 * WINDOW_SECONDS)
            return int(pipeline.execute()[0])

    return redis.ask(ask)
