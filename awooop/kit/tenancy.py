"""Whose work this is: the project of the current request, task or thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

PLATFORM = "*"  # stands where a project id stands, for what belongs to no project; never one itself

PROJECT_ID: ContextVar[str | None] = ContextVar("project_id", default=None)


def current_project() -> str | None:
    """Return the project this code is working for, or None."""
    return PROJECT_ID.get()


@contextmanager
def acting_for(project_id: str) -> Iterator[None]:
    """Name the project for the block; the outer one returns afterwards."""
    token = PROJECT_ID.set(project_id)
    try:
        yield
    finally:
        PROJECT_ID.reset(token)


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """Return ``work`` bound to the present context, to be run in another thread.

    A new thread starts with an empty context; this hands it ours.
    """
    context = copy_context()

    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(work, *args, **kwargs)

    return inside
