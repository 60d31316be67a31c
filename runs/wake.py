"""The bell: tells the workers, after a commit, that a run waits.

Rings are coalesced: one message stands for all runs committed until a worker hears it. A worker
silences the bell *before* it looks at the queue, so no run can commit unheard. A ring that is lost
is made good by the sweep.
"""

from awooop.kit import redis

_BELL = "awooop:wake:runs"
_RINGS_MS = 1_000  # a ring nobody heard may be rung again


def due() -> bool:
    """Tell whether a message must be sent: nobody has rung since a worker last listened.

    While Valkey is away nothing is sent; the sweep finds the run.
    """
    return redis.ask(lambda server: server.set(_BELL, "1", nx=True, px=_RINGS_MS)) is True


def heard() -> None:
    """Silence the bell; the caller is about to look at the queue."""
    redis.ask(lambda server: server.delete(_BELL))
