"""The one public verb: a call is judged, sent at most once, redacted, recorded.

The work is a generator. It hands out whatever may have to be waited for, and holds no transaction
meanwhile: :func:`call_tool` waits in its thread, :func:`acall_tool` on an event loop.
"""

import asyncio
import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import CoroutineType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections

from awooop.errors import Code, Unavailable
from awooop.kit import waiting
from gateway import admission, asking, endings, hub, humans, remarks, results, targets
from gateway.admission import Admitted, Simulated, Stopped
from gateway.endings import Ending
from gateway.providers.base import Answer, Expired, Failed, Listener, Permit, Progress, Target
from gateway.shapes import Call, Result

T = TypeVar("T")

_PERMITS = 3  # asked for, before a call that cannot start in time is given up
_MOST_AT_ONCE = 64  # endings in a transaction
_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="gateway")
_outliving: set[asyncio.Task[Result]] = set()

Work = Callable[[], Any]
Asking = Coroutine[Any, Any, Answer]
Flow = Generator[Asking | Future[Any] | Work | Ending, Any, Result]
Judge = Callable[[Call], Admitted | Simulated | Stopped]


@dataclass(slots=True)
class _UnderWay:
    """A call, and how far it has come.

    :param waiting: what to cancel when nobody wants the network's answer any more.
    :param is_abandoned: whoever called has left.
    """

    made: Callable[[], Call]
    progress: Progress | None
    listener: Listener | None = None
    begun: float = field(default_factory=time.perf_counter)
    admitted: Admitted | None = None
    waiting: Future[Any] | asyncio.Task[Any] | None = None
    is_abandoned: bool = False
    answer: Answer | None = None

    @property
    def has_effect(self) -> bool:
        return self.admitted is not None and self.admitted.claim is not None


def call_tool(
    call: Call, *, progress: Progress | None = None, listener: Listener | None = None
) -> Result:
    """Judge a call, send it when every gate lets it through, and record it.

    Waits in this thread; opens its own transactions and holds none while it waits.

    :param progress: told of the tool's progress, on the hub's event loop.
    :param listener: told what the tool's server says meanwhile, there too.
    :raises Unavailable: the call's record cannot be written; its answer is withheld.
    """
    return _wait(_flow(_UnderWay(lambda: call, progress, listener)))


def ask_probe(call: Call) -> tuple[Result, Answer | None]:
    """Call a probe, for the platform and not for an agent; its answer also comes as it was.

    :raises Unavailable: the call's record cannot be written.
    """
    under_way = _UnderWay(lambda: call, None)
    result = _wait(_flow(under_way, admission.judge_probe))
    return result, under_way.answer


def _wait(flow: Flow) -> Result:
    step: Work = partial(flow.send, None)
    while True:
        try:
            asked = step()
        except StopIteration as end:
            result: Result = end.value
            return result
        try:
            step = partial(flow.send, _waited(asked))
        except CancelledError:
            step = partial(flow.throw, _gone())
        except Exception as reason:  # noqa: BLE001 - the flow's own
            step = partial(flow.throw, reason)


def _waited(asked: Asking | Future[Any] | Work | Ending) -> Any:
    if isinstance(asked, Coroutine):
        asked = hub.the().start(asked)
    if isinstance(asked, Future):
        return asked.result()
    return endings.recorded(asked) if isinstance(asked, Ending) else asked()


async def acall_tool(
    made: Callable[[], Call],
    *,
    is_large: bool = False,
    progress: Progress | None = None,
    listener: Listener | None = None,
) -> Result:
    """As :func:`call_tool`, from an event loop; what would hold it up is done by threads.

    Cancelled, a call that only reads is cancelled at its server too. One with an effect outlives
    its caller, so that its outcome becomes known.

    :param made: makes the call; what that raises is raised.
    :param is_large: to read it takes too long for an event loop.
    :raises Unavailable: see :func:`call_tool`.
    """
    under_way = _UnderWay(made, progress, listener)
    task = asyncio.create_task(_drive(under_way, is_large=is_large))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _outliving.add(task)
        task.add_done_callback(_outliving.discard)
        under_way.is_abandoned = True
        if under_way.waiting is not None and not under_way.has_effect:
            under_way.waiting.cancel()
        raise


async def _drive(under_way: _UnderWay, *, is_large: bool) -> Result:
    flow = _flow(under_way)
    step: Work = partial(flow.send, None)
    while True:
        try:
            asked = step()
        except StopIteration as end:
            result: Result = end.value
            return result
        done: Any
        try:
            if isinstance(asked, Ending):
                done = await _recorded(asked)
            elif isinstance(asked, CoroutineType):
                done = await _asked(under_way, asked)
            elif isinstance(asked, Future):
                done = await _heard(asked)
            else:
                done = await _done(asked, is_large=is_large)
        except Exception as reason:  # noqa: BLE001 - the flow's own
            step = partial(flow.throw, reason)
        else:
            step = partial(flow.send, done)


def _flow(under_way: _UnderWay, judge: Judge = admission.judge) -> Flow:
    begun = under_way.begun
    call: Call = yield under_way.made
    if call.tool == humans.STATUS_TOOL:
        return (yield partial(asking.answer, call, begun=begun))
    judged: Admitted | Simulated | Stopped = yield partial(judge, call)
    if not isinstance(judged, Admitted):
        if isinstance(judged, Stopped) and endings.asks_a_human(call, judged):
            return (yield partial(endings.ask, call, judged, begun=begun))
        return (yield endings.refused(call, judged, begun=begun))
    target: Target | None = None
    try:
        target = yield partial(targets.of, call.project_id, judged.entry)
        assert target is not None
        if not hub.the().is_ready(target):
            under_way.waiting = ready = hub.the().ready(
                target, judged.entry.tool_name, judged.arguments, within=judged.seconds
            )
            yield ready
    except Failed as reason:
        unsent = Failed(reason.code, reason.detail, sent=False)
        return (yield endings.failed(judged, unsent, begun=begun, target=target))
    for attempt in range(_PERMITS):
        permit: Permit | Stopped = yield partial(admission.permit, judged, again=attempt > 0)
        if isinstance(permit, Stopped):
            return (yield endings.refused(call, permit, begun=begun, admitted=judged))
        under_way.admitted = judged
        if under_way.is_abandoned:
            gone = Failed(Code.CALLER_GONE, sent=False)
            return (yield endings.failed(judged, gone, begun=begun))
        try:
            under_way.answer = yield _asking(under_way, judged, target, permit)
        except Expired as reason:
            late = reason
        except Failed as reason:
            return (yield endings.failed(judged, reason, begun=begun, target=target))
        else:
            ending = partial(endings.answered, judged, under_way.answer, target, begun=begun)
            return (yield (yield ending))
    return (yield endings.failed(judged, late, begun=begun))


def _asking(under_way: _UnderWay, judged: Admitted, target: Target, permit: Permit) -> Asking:
    spent = time.perf_counter() - under_way.begun
    return hub.the().asking(
        target,
        judged.entry.tool_name,
        judged.arguments,
        permit=permit,
        within=max(0.1, judged.seconds - spent),
        schema=(judged.entry.definition or {}).get("inputSchema"),
        progress=results.spoken(under_way.progress, judged.facts.policies, target.shown),
        listener=remarks.overheard(under_way.listener, judged.facts.policies, target.shown),
    )


def _gone() -> Failed:
    """Say that the caller has left; made anew, or each call's frames would stay with it."""
    return Failed(Code.CALLER_GONE, sent=True)


async def _recorded(ending: Ending) -> Result:
    """Have an ending written: with others, or alone where more than its row is."""
    if ending.row is None:
        return ending.result
    if ending.beside is not None:
        return await _in_thread(partial(endings.recorded, ending), _threads)
    return await _recorder().record(ending)


async def _asked(under_way: _UnderWay, asking: Asking) -> Answer:
    """Ask the network: in this very task, where the hub dwells on this loop."""
    if not hub.the().is_here:
        under_way.waiting = answer = hub.the().start(asking)
        return await _heard(answer)
    under_way.waiting = task = asyncio.current_task()
    try:
        return await asking
    except asyncio.CancelledError:
        if task is not None:
            task.uncancel()
        raise _gone() from None
    finally:
        under_way.waiting = None


async def _heard(answer: Future[T]) -> T:
    """Wait for what the hub says; one that dwells on this very loop needs no bell to be rung."""
    loop, home = asyncio.get_running_loop(), threading.get_ident()
    rung: asyncio.Future[None] = loop.create_future()

    def ring(_: Future[T]) -> None:
        if threading.get_ident() == home:
            _ring(rung)
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
            loop.call_soon_threadsafe(_ring, rung)

    answer.add_done_callback(ring)
    try:
        await rung
        return answer.result()
    except (asyncio.CancelledError, CancelledError):
        answer.cancel()
        raise _gone() from None


def _ring(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)


async def _done(work: Callable[[], T], *, is_large: bool) -> T:
    """Do work here where nothing in it waits, and in a thread where something does."""
    if not is_large:
        try:
            return waiting.without(work)
        except waiting.WouldWait:
            pass
    return await _in_thread(work, _threads)


async def _in_thread(work: Callable[[], T], threads: ThreadPoolExecutor) -> T:
    known = contextvars.copy_context()  # what the log says of the request
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads, partial(known.run, _alone, work))


def _alone(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        close_old_connections()  # a thread keeps nothing of the call


class _Recorder:
    """Writes the endings of one event loop's calls: those that come meanwhile, all at once."""

    def __init__(self) -> None:
        self._coming: list[tuple[Ending, asyncio.Future[Result]]] = []
        self._at_work: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "gateway-journal")

    async def record(self, ending: Ending) -> Result:
        """Wait until a call's ending is written.

        :raises Unavailable: it cannot be.
        """
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._coming.append((ending, written))
        if self._at_work is None:
            self._at_work = asyncio.create_task(self._write())
        return await written

    async def _write(self) -> None:
        while self._coming:
            now, self._coming = self._coming[:_MOST_AT_ONCE], self._coming[_MOST_AT_ONCE:]
            reasons: list[Any]
            try:
                rows = [each for each, _ in now]
                reasons = await _in_thread(partial(endings.write, rows), self._thread)
            except Exception as fault:  # noqa: BLE001 - whoever waits is told
                reasons = [fault] * len(now)
            for (ending, written), reason in zip(now, reasons, strict=True):
                _settle(written, ending, reason)
        self._at_work = None


def _settle(
    written: asyncio.Future[Result], ending: Ending, reason: Unavailable | Exception | None
) -> None:
    if written.done():
        return  # nobody waits any more
    if reason is None:
        written.set_result(ending.result)
    else:
        written.set_exception(reason)


_recorders: WeakKeyDictionary[asyncio.AbstractEventLoop, _Recorder] = WeakKeyDictionary()


def _recorder() -> _Recorder:
    loop = asyncio.get_running_loop()
    known = _recorders.get(loop)
    if known is None:
        known = _recorders[loop] = _Recorder()
    return known
