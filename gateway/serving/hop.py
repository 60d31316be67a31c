"""One hop from the event loop to a thread that may talk to the database, and back."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="mcp")


async def over(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do work in a thread that keeps no connection of the database afterwards."""
    known = contextvars.copy_context()  # what the log says of the request
    loop = asyncio.get_running_loop()
    task = partial(_do, work, *args, **kwargs)
    return await loop.run_in_executor(_THREADS, partial(known.run, task))


def _do(work: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    try:
        return work(*args, **kwargs)
    finally:
        close_old_connections()
