"""Valkey as a filter and a bell: fast when it is there, ignored when it is not, never believed.

Every call goes through :func:`ask`, which answers ``None`` for a server that is away, slow or
talking nonsense, and then leaves it alone for a few seconds.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
import structlog
from django.conf import settings

from awooop.kit import waiting

R = TypeVar("R")

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.25
REST_SECONDS = 3.0


class _Breaker:
    """Remembers that the server was away, so that only one caller in a while pays for asking."""

    def __init__(self) -> None:
        self._closed_again_at = 0.0

    def resting(self) -> bool:
        return time.monotonic() < self._closed_again_at

    def trip(self) -> None:
        self._closed_again_at = time.monotonic() + REST_SECONDS

    def reset(self) -> None:
        self._closed_again_at = 0.0


_breaker = _Breaker()
_lock = threading.Lock()
_client: redis.Redis | None = None


def client() -> redis.Redis:
    """Return this process's client; it connects on first use."""
    global _client
    with _lock:
        if _client is None:
            _client = redis.Redis.from_url(
                settings.REDIS_URL,
                decode_responses=True,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                max_connections=64,
                retry=None,
            )
        return _client


def forget_client() -> None:
    """Drop the client and what is known of the server, as after a fork or a change of address."""
    global _client
    with _lock:
        if _client is not None:
            _client.close()
        _client = None
    _breaker.reset()


def ask(question: Callable[[redis.Redis], R]) -> R | None:
    """Return what ``question`` gets from Valkey, or None when it cannot be had quickly."""
    if _breaker.resting():
        return None
    waiting.ahead()
    try:
        return question(client())
    except Exception as reason:  # noqa: BLE001 - a server that lies breaks its client anywhere
        _breaker.trip()
        log.warning("valkey_away", reason=type(reason).__name__, resting_seconds=REST_SECONDS)
        return None


def away() -> bool:
    """Tell whether Valkey was found away moments ago."""
    return _breaker.resting()


def key(area: str, project_id: str, *rest: str) -> str:
    """Return a key that carries its project: ``awooop:{area}:{project}:…``."""
    return ":".join(("awooop", area, project_id, *rest))
