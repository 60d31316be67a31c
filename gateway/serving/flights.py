"""Calls in the air, so that a client of the handshake revisions can call one off.

Those revisions cancel by a message of its own. Nothing but the key, where the client sits and the
number it gave the request tells which call is meant; where that could mean two, none is stopped.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from gateway.serving.callers import Knock

Name = tuple[int, str, str, tuple[str, str], str]

_flights: dict[Name, list[anyio.CancelScope]] = {}


@contextmanager
def up(knock: Knock, request_id: str | int | None) -> Iterator[anyio.CancelScope]:
    """Run the block so that :func:`down` can end it."""
    name = _name(knock, request_id)
    with anyio.CancelScope() as scope:
        _flights.setdefault(name, []).append(scope)
        try:
            yield scope
        finally:
            _flights[name].remove(scope)
            if not _flights[name]:
                del _flights[name]


def down(knock: Knock, request_id: str | int | None) -> bool:
    """End the one call that is meant, and tell whether there was one."""
    scopes = _flights.get(_name(knock, request_id), ())
    if len(scopes) != 1:
        return False
    scopes[0].cancel()
    return True


def _name(knock: Knock, request_id: str | int | None) -> Name:
    loop = id(asyncio.get_running_loop())  # scopes are touched on their own loop only
    return (loop, knock.key_sha256, knock.project_id, knock.client, str(request_id))
