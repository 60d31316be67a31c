"""Work that an event loop does itself for as long as nothing in it has to be waited for.

Whatever asks the database, Valkey or a disk, or computes for long, says so first with
:func:`ahead`. On a loop that ends the work before anything was done, and a thread begins it again.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_on_loop: ContextVar[bool] = ContextVar("on_loop", default=False)


class WouldWait(BaseException):
    """Work has to wait; no error, and nothing of it is done."""


def ahead() -> None:
    """Say that what follows waits; whoever calls must not have changed anything before.

    :raises WouldWait: this is an event loop, which may not.
    """
    if _on_loop.get():
        raise WouldWait


def without(work: Callable[[], T]) -> T:
    """Do work on an event loop.

    :raises WouldWait: it has to wait: begin it anew in a thread.
    """
    mark = _on_loop.set(True)
    try:
        return work()
    finally:
        _on_loop.reset(mark)
