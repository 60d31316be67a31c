"""Every session with a tool's server, on one event loop; calls come from anywhere.

The loop runs in a thread of its own, or is the one that serves the web: :func:`dwell_here`.

A call is sent once and never again. It waits for nobody but its own server: each has its places,
and one that keeps failing is left alone for a while.
"""

import asyncio
import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
import uvloop

from awooop.errors import Code
from gateway.places import Leave, Seat, failed
from gateway.providers.base import (
    Answer,
    Failed,
    Listener,
    Listing,
    Permit,
    Progress,
    Provider,
    Target,
)

log = structlog.get_logger(__name__)

MOST_IN_FLIGHT = 200
MOST_SEATS = 200
IDLE_SECONDS = 300.0
NEWS_SECONDS = 10.0  # between two calls of the listeners for one gateway
_SWEEP_SECONDS = 30.0
_LONGEST_WAIT = 1.0  # for a place

_T = TypeVar("_T")
Place = tuple[str, str]


class Hub:
    """The sessions of this process."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or uvloop.new_event_loop()
        self._seats: dict[tuple[str, ...], Seat] = {}
        self._places = asyncio.Semaphore(MOST_IN_FLIGHT)
        self._refusals: dict[Place, int] = {}
        self._news: dict[Place, float] = {}
        self._listeners = ThreadPoolExecutor(1, "gateway-news")
        self._background: set[asyncio.Task[Any]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._home = threading.get_ident()
        if loop is None:
            thread = threading.Thread(target=self._run, name="gateway-hub", daemon=True)
            thread.start()
        else:
            self._sweep()

    def call(
        self, target: Target, tool: str, arguments: Mapping[str, Any], **given: Any
    ) -> Future[Answer]:
        """Call a tool as :meth:`asking` says, from any thread; to cancel the future cancels it."""
        return self.start(self.asking(target, tool, arguments, **given))

    def asking(
        self,
        target: Target,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        permit: Permit,
        within: float,
        progress: Progress | None = None,
        listener: Listener | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Coroutine[Any, Any, Answer]:
        """Return the work of calling a tool, to be awaited on the hub's loop.

        It raises Failed when there is no usable answer. ``progress`` and ``listener`` run on the
        hub's loop and must not block it.

        :param schema: the tool's input schema as released; it may want arguments in headers.
        """
        leave = Leave(permit.until, permit)

        async def work(provider: Provider) -> Answer:
            if schema is not None and (learn := getattr(provider, "learn", None)) is not None:
                learn(tool, schema)
            return await provider.call(
                tool, arguments, permit=leave, progress=progress, listener=listener
            )

        return self._with(target, within, work, leave)

    @property
    def is_here(self) -> bool:
        """Whether this thread is the one that runs the hub's loop."""
        return threading.get_ident() == self._home

    def is_ready(self, target: Target) -> bool:
        """Tell, from any thread, whether :meth:`ready` has nothing to do."""
        seat = self._seats.get(target.session_key)
        return seat is not None and seat.is_ready(target)

    def ready(
        self, target: Target, tool: str, arguments: Mapping[str, Any], *, within: float
    ) -> Future[None]:
        """Connect to what a call is for, so that the call that follows only has to be sent."""

        async def work(provider: Provider) -> None:
            await provider.ready(tool, arguments)

        return self.start(self._with(target, within, work, None, proves=False))

    def tools(self, target: Target, within: float) -> Future[Listing]:
        """List what a server offers."""

        async def work(provider: Provider) -> Listing:
            return await provider.tools()

        return self.start(self._with(target, within, work, None))

    def refusals(self, target: Target) -> int:
        """Tell how often a target's server asked for sampling, elicitation, roots or the like."""
        seat = self._seats.get(target.session_key)
        now = getattr(seat.provider, "refusals", 0) if seat is not None else 0
        return self._refusals.get((target.project_id, target.gateway_id), 0) + now

    def forget(self, within: float = 10.0) -> None:
        """Close every session; the next call makes its own."""
        self.start(self._close_all()).result(within)

    def start(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Have work done by the loop; cancelling the future cancels it."""
        future: Future[_T] = Future()
        if self.is_here:
            self._begin(work, future)
        else:
            self._loop.call_soon_threadsafe(self._begin, work, future)
        return future

    def _begin(self, work: Coroutine[Any, Any, _T], future: Future[_T]) -> None:
        task = self._loop.create_task(_settle(work, future))
        future.add_done_callback(partial(self._ended, task))

    def _ended(self, task: asyncio.Task[None], future: Future[Any]) -> None:
        if future.cancelled():
            self._loop.call_soon_threadsafe(task.cancel)

    def _run(self) -> None:
        self._home = threading.get_ident()
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._sweep)
        self._loop.run_forever()

    async def _with(
        self,
        target: Target,
        within: float,
        work: Callable[[Provider], Coroutine[Any, Any, _T]],
        leave: Leave | None,
        *,
        proves: bool = True,
    ) -> _T:
        """Do something with a target's provider, in time and in turn.

        :param proves: whether to succeed says that the server is well.
        """
        try:
            seat = self._seat(target)
        except Exception as reason:  # noqa: BLE001 - a provider that cannot even be made
            raise (failed(reason, None) or reason) from None
        deadline = self._loop.time() + within  # the first of a process imports an SDK before that
        seat.breaker.admit(time.monotonic())
        code: Code | None = Code.UPSTREAM_BUSY  # what is cancelled says nothing of the server
        seat.users += 1
        try:
            await self._enter(seat, min(_LONGEST_WAIT, within / 10))
            try:
                async with asyncio.timeout_at(deadline):
                    done = await work(seat.provider)
            finally:
                self._places.release()
                seat.places.release()
            code = None if proves else code
        except BaseException as reason:
            why = failed(reason, leave)
            if why is None:
                raise
            code = why.code
            raise why from None
        finally:
            seat.users -= 1
            seat.used_at = time.monotonic()
            seat.breaker.ended(code, seat.used_at)
        return done

    async def _enter(self, seat: Seat, patience: float) -> None:
        """Take a place at a server, and one of all."""
        if not seat.places.locked() and not self._places.locked():
            await seat.places.acquire()  # neither waits
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(patience), contextlib.AsyncExitStack() as held:
                await held.enter_async_context(seat.places)
                await self._places.acquire()
                held.pop_all()
        except TimeoutError:
            raise Failed(Code.UPSTREAM_BUSY, "too many calls are under way", sent=False) from None

    def _seat(self, target: Target) -> Seat:
        key = target.session_key
        seat = self._seats.get(key)
        if seat is None:
            if len(self._seats) >= MOST_SEATS and not self._make_room():
                raise Failed(Code.UPSTREAM_BUSY, "too many servers are in use", sent=False)
            place = (target.project_id, target.gateway_id)
            seat = self._seats[key] = Seat(target, lambda: self._tell(place))
        return seat

    def _make_room(self) -> bool:
        idle = [(seat.used_at, key) for key, seat in self._seats.items() if not seat.users]
        if idle:
            self._leave_seat(min(idle)[1])
        return bool(idle)

    def _leave_seat(self, key: tuple[str, ...]) -> asyncio.Task[None]:
        seat = self._seats.pop(key)
        place = (key[0], key[1])
        if count := getattr(seat.provider, "refusals", 0):
            self._refusals[place] = self._refusals.get(place, 0) + count
        return self._keep(_close(seat.provider))

    def _sweep(self) -> None:
        """Close what nobody has used for a while, again and again."""
        old = time.monotonic() - IDLE_SECONDS
        for key, seat in list(self._seats.items()):
            if not seat.users and seat.used_at < old:
                self._leave_seat(key)
        self._sweeping = self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    async def leave(self) -> None:
        """Close every session; the loop is another's, and goes on."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._listeners.shutdown(wait=False)
        await self._close_all()

    async def _close_all(self) -> None:
        closing = [self._leave_seat(key) for key in list(self._seats)]
        if closing:
            await asyncio.wait(closing)

    def _keep(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def _tell(self, place: Place) -> None:
        """Tell the listeners that a gateway's tools changed: now, or when it was not just told."""
        now = self._loop.time()
        at = self._news.get(place, 0.0)
        if at > now:
            return  # it will be told
        when = max(now, at + NEWS_SECONDS)
        self._news[place] = when
        self._loop.call_at(when, self._listeners.submit, _told, place)


async def _settle(work: Coroutine[Any, Any, _T], future: Future[_T]) -> None:
    """Do work, and tell the future of another thread how it ended."""
    try:
        done = await work
    except asyncio.CancelledError:
        future.cancel()
        raise
    except BaseException as reason:
        if future.set_running_or_notify_cancel():
            future.set_exception(reason)
        if not isinstance(reason, Exception):
            raise
    else:
        if future.set_running_or_notify_cancel():
            future.set_result(done)
    finally:
        del future  # a failure keeps its frames, and they would keep the failure


_callbacks: list[Callable[[str, str], None]] = []
_hub: Hub | None = None
_parents: list[Hub] = []  # kept for ever: to collect them would run their clean-up in a fork
_lock = threading.Lock()


def the() -> Hub:
    """Return this process's hub."""
    global _hub
    with _lock:
        if _hub is None:
            _hub = Hub()
            atexit.register(_kill_children)
        return _hub


@contextlib.asynccontextmanager
async def dwell_here() -> AsyncIterator[None]:
    """Have the running loop be the hub's for the block, unless this process has a hub already.

    A call from this loop then needs no other thread, there and back.
    """
    global _hub
    with _lock:
        made = Hub(asyncio.get_running_loop()) if _hub is None else None
        _hub = _hub or made
    if made is None:
        yield
        return
    atexit.register(_kill_children)
    try:
        yield
    finally:
        with _lock:
            _hub = None
        await made.leave()


def on_list_changed(callback: Callable[[str, str], None]) -> None:
    """Have ``callback(project_id, gateway_id)`` called when a server's tools changed.

    It is called on a thread of its own, and not more often than every ten seconds for one gateway.
    """
    _callbacks.append(callback)


def _told(place: Place) -> None:
    for callback in _callbacks:
        try:
            callback(*place)
        except Exception:
            log.exception("list_changed_not_heard", project_id=place[0], gateway_id=place[1])


async def _close(provider: Provider) -> None:
    try:
        await provider.close()
    except Exception as reason:  # noqa: BLE001 - whoever is closed has nobody to tell
        log.info("provider_not_closed", reason=type(reason).__name__)


def _kill_children() -> None:
    if (child := sys.modules.get("gateway.providers.child")) is not None:
        child.kill_all()


def _after_fork() -> None:
    """Start anew: the parent's thread is not here, and its connections are not ours."""
    global _hub, _lock
    _lock = threading.Lock()
    if _hub is not None:
        _parents.append(_hub)
        _hub = None


os.register_at_fork(after_in_child=_after_fork)
