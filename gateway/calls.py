"""The one public verb: a call is judged, sent at most once, redacted, recorded.

The work is a generator that stops wherever the network is waited for, with no transaction open;
:func:`call_tool` waits in its thread, :func:`acall_tool` on an event loop.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.db import close_old_connections

from awooop.errors import Code
from gateway import admission, asking, endings, hub, humans, remarks, results, targets
from gateway.admission import Admitted, Simulated, Stopped
from gateway.providers.base import Answer, Expired, Failed, Listener, Permit, Progress, Target
from gateway.shapes import Call, Result

T = TypeVar("T")

_PATIENCE = 0.01  # seconds a thread waits for an answer: the loop and back costs more than that
_PERMITS = 3  # asked for, before a call that cannot start in time is given up
_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="gateway")
_outliving: set[asyncio.Task[Result]] = set()

Flow = Generator[Future[Any], Any, Result]
Step = Callable[[], Future[Any]]
Judge = Callable[[Call], Admitted | Simulated | Stopped]


@dataclass(slots=True)
class _UnderWay:
    """A call, and how far it has come.

    :param waiting: for what the network shall answer.
    :param is_abandoned: whoever called has left.
    """

    call: Call | Callable[[], Call]
    progress: Progress | None
    listener: Listener | None = None
    begun: float = field(default_factory=time.perf_counter)
    admitted: Admitted | None = None
    waiting: Future[Any] | None = None
    is_abandoned: bool = False
    answer: Answer | None = None

    def made(self) -> Call:
        return self.call if isinstance(self.call, Call) else self.call()

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
    return _wait(_flow(_UnderWay(call, progress, listener)))


def ask_probe(call: Call) -> tuple[Result, Answer | None]:
    """Call a probe, for the platform and not for an agent; its answer also comes as it was.

    :raises Unavailable: the call's record cannot be written.
    """
    under_way = _UnderWay(call, None)
    result = _wait(_flow(under_way, admission.judge_probe))
    return result, under_way.answer


def _wait(flow: Flow) -> Result:
    ended = _along(flow, partial(flow.send, None), patience=None)
    assert isinstance(ended, Result)
    return ended


def _along(flow: Flow, step: Step, *, patience: float | None) -> Future[Any] | Result:
    """Go on until the call has ended, or an answer takes longer than ``patience`` to come."""
    while True:
        waited = _advance(step)
        if isinstance(waited, Result):
            return waited
        try:
            step = partial(flow.send, waited.result(patience))
        except Failed as reason:
            step = partial(flow.throw, reason)
        except CancelledError:
            step = partial(flow.throw, _gone())
        except TimeoutError:
            if waited.done():
                raise
            return waited


async def acall_tool(
    call: Call | Callable[[], Call],
    *,
    progress: Progress | None = None,
    listener: Listener | None = None,
) -> Result:
    """As :func:`call_tool`, from an event loop; what touches the database runs in threads.

    Cancelled, a call that only reads is cancelled at its server too. One with an effect outlives
    its caller, so that its outcome becomes known.

    :param call: or what makes it, in the call's own first thread: a hop less for who must ask the
        database who is calling. What that raises is raised.
    :raises Unavailable: see :func:`call_tool`.
    """
    under_way = _UnderWay(call, progress, listener)
    task = asyncio.create_task(_drive(under_way))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _outliving.add(task)
        task.add_done_callback(_outliving.discard)
        under_way.is_abandoned = True
        if under_way.waiting is not None and not under_way.has_effect:
            under_way.waiting.cancel()
        raise


async def _drive(under_way: _UnderWay) -> Result:
    flow = _flow(under_way)
    step = partial(flow.send, None)
    while True:
        waited = await _in_thread(partial(_along, flow, step, patience=_PATIENCE))
        if isinstance(waited, Result):
            return waited
        try:
            step = partial(flow.send, await asyncio.wrap_future(waited))
        except Failed as reason:
            step = partial(flow.throw, reason)
        except asyncio.CancelledError:
            step = partial(flow.throw, _gone())


def _flow(under_way: _UnderWay, judge: Judge = admission.judge) -> Flow:
    call, begun = under_way.made(), under_way.begun
    if call.tool == humans.STATUS_TOOL:
        return asking.answer(call, begun=begun)
    judged = judge(call)
    if not isinstance(judged, Admitted):
        return endings.refused(call, judged, begun=begun)
    target = None
    try:
        target = targets.of(call.project_id, judged.entry)
        under_way.waiting = hub.the().ready(
            target, judged.entry.tool_name, judged.arguments, within=judged.seconds
        )
        yield under_way.waiting
    except Failed as reason:
        unsent = Failed(reason.code, reason.detail, sent=False)
        return endings.failed(judged, unsent, begun=begun, target=target)
    for attempt in range(_PERMITS):
        permit = admission.permit(judged, again=attempt > 0)
        if not isinstance(permit, Permit):
            return endings.refused(call, permit, begun=begun, admitted=judged)
        under_way.admitted = judged
        if under_way.is_abandoned:
            return endings.failed(judged, Failed(Code.CALLER_GONE, sent=False), begun=begun)
        try:
            answer = yield from _sent(under_way, judged, target, permit)
        except Expired as reason:
            late = reason
        except Failed as reason:
            return endings.failed(judged, reason, begun=begun, target=target)
        else:
            return endings.answered(judged, answer, target, begun=begun)
    return endings.failed(judged, late, begun=begun)


def _sent(
    under_way: _UnderWay, judged: Admitted, target: Target, permit: Permit
) -> Generator[Future[Any], Any, Answer]:
    spent = time.perf_counter() - under_way.begun
    under_way.waiting = hub.the().call(
        target,
        judged.entry.tool_name,
        judged.arguments,
        permit=permit,
        within=max(0.1, judged.seconds - spent),
        schema=(judged.entry.definition or {}).get("inputSchema"),
        progress=results.spoken(under_way.progress, judged.facts.policies, target.shown),
        listener=remarks.overheard(under_way.listener, judged.facts.policies, target.shown),
    )
    under_way.answer = yield under_way.waiting
    return under_way.answer


def _gone() -> Failed:
    """Say that the caller has left; made anew, or each call's frames would stay with it."""
    return Failed(Code.CALLER_GONE, sent=True)


def _advance(step: Step) -> Future[Any] | Result:
    try:
        return step()
    except StopIteration as done:
        result: Result = done.value
        return result


async def _in_thread(work: Callable[[], T]) -> T:
    known = contextvars.copy_context()  # what the log says of the request
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, partial(known.run, _alone, work))


def _alone(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        close_old_connections()  # a thread keeps nothing of the call
