"""Calls in the air, so that a client of the handshake revisions can call one off.

Those revisions cancel by a message of its own. Nothing but the key, where the client sits and the
number it gave the request tells which call is meant; where that could mean two, none is stopped.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from gateway.serving.callers import Caller

Name = tuple[int, str, str, tuple[str, str], str]

_flights: dict[Name, list[anyio.CancelScope]] = {}


@contextmanager
def up(caller: Caller, request_id: str | int | None) -> Iterator[anyio.CancelScope]:
    """Run the block so that :func:`down` can end it."""
    name = _name(caller, request_id)
    with anyio.CancelScope() as scope:
        _flights.setdefault(name, []).append(scope)
        try:
            yield scope
        finally:
            _flights[name].remove(scope)
            if not _flights[name]:
                del _flights[name]


def down(caller: Caller, request_id: str | int | None) -> bool:
    """End the one call that is meant, and tell whether there was one."""
    scopes = _flights.get(_name(caller, request_id), ())
    if len(scopes) != 1:
        return False
    scopes[0].cancel()
    return True


def _name(caller: Caller, request_id: str | int | None) -> Name:
    loop = id(asyncio.get_running_loop())  # scopes are touched on their own loop only
    return (loop, str(caller.holder.key_id), caller.agent_id, caller.origin, str(request_id))
