"""Who does a run's work: those registered, in turn, until one knows what to do with it."""

from collections.abc import Callable

from runs.leases import Ending, Lease


class Parked:
    """The run waits for somebody; the worker lets go of it."""


Executor = Callable[[Lease], Ending | Parked | None]

_first: list[Executor] = []


def put_first(executor: Executor) -> None:
    """Register who is asked before the runs' own executor; None means that it is not theirs."""
    if executor not in _first:
        _first.insert(0, executor)


def execute(lease: Lease) -> Ending | Parked | None:
    """Return what the first who knew has made of a run, or None when nobody did."""
    for executor in _first:
        if (done := executor(lease)) is not None:
            return done
    return None
