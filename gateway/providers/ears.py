"""What a server says unasked: requests it may not make, news, chatter; heard within bounds."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Any, get_args

import structlog
from mcp_types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest, LoggingLevel

from gateway.providers.base import Listener, Progress, Target

log = structlog.get_logger(__name__)

_KINDS = {
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
    "roots/list": "roots",
}
_HEARD = frozenset({"notifications/progress", "notifications/cancelled"})
_PER_SECOND = 2_000  # messages, or pieces of one; whoever says more is listened to more slowly
_BREATH = 200
_REPORTS = 20  # a second, and at once
_REPORT_SECONDS = 0.2
_MOST_REMARKS = 100  # of one call
_LOG_SECONDS = 10.0
LEVELS: tuple[str, ...] = get_args(LoggingLevel)  # from the least severe on


class Ears:
    """Hears one server.

    :param list_changed: told when the server says that its tools changed.
    """

    def __init__(self, target: Target, list_changed: Callable[[], None]) -> None:
        self.refusals: Counter[str] = Counter()
        self._target = target
        self._list_changed = list_changed
        self._counted = 0
        self._since = 0.0
        self._logged: dict[str, float] = {}
        self._under_way: list[Remarks | None] = []
        self._is_unsure = False

    async def breathe(self, many: int = 1) -> None:
        """Count messages, or pieces; give way to the neighbours now and then."""
        breaths = self._counted // _BREATH
        self._counted += many
        breaths = self._counted // _BREATH - breaths
        if not breaths:
            return
        now = time.monotonic()
        ahead = breaths * _BREATH / _PER_SECOND - (now - self._since)
        await asyncio.sleep(max(0.0, ahead))
        self._since = time.monotonic()

    def wants(self, message: JSONRPCMessage) -> bool:
        """Tell whether a message is for anybody; take note of those that are for us."""
        if isinstance(message, JSONRPCRequest):
            if message.method != "ping":
                self.refused(message.method)
            return True
        if not isinstance(message, JSONRPCNotification):
            return True
        if message.method == "notifications/tools/list_changed":
            self._list_changed()
        return message.method in _HEARD

    @contextmanager
    def during(self, remarks: "Remarks | None") -> Iterator[None]:
        """Have what the server says during a call passed on."""
        mark = REMARKS.set(remarks)
        self._under_way.append(remarks)
        try:
            yield
        except asyncio.CancelledError:
            self._is_unsure = True
            raise
        finally:
            self._under_way.remove(remarks)
            REMARKS.reset(mark)

    def overhear(self, message: JSONRPCMessage) -> None:
        """Pass on what was said where nothing tells during which call.

        Only while there is one, and no earlier one was left at work: agents do not hear what was
        said to others.
        """
        if len(self._under_way) == 1 and not self._is_unsure and self._under_way[0] is not None:
            self._under_way[0].hear(message)

    def refused(self, method: str) -> None:
        """Record that the server asked for something that servers here do not get."""
        kind = _KINDS.get(method, "other")
        self.refusals[kind] += 1
        now = time.monotonic()
        if now - self._logged.get(kind, -_LOG_SECONDS) >= _LOG_SECONDS:
            self._logged[kind] = now
            log.warning(
                "upstream_asked",
                kind=kind,
                project_id=self._target.project_id,
                gateway_id=self._target.gateway_id,
                times=self.refusals[kind],
            )


class _Turns:
    """What is passed on of one call, in order and not too often; what is too much is dropped."""

    def __init__(self, tell: Callable[..., Awaitable[None]], most: float) -> None:
        self._tell, self._most = tell, most
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._left, self._at = float(_REPORTS), time.monotonic()
        self._telling: asyncio.Task[None] | None = None

    async def told(self) -> None:
        """Wait a moment for what is still to be passed on."""
        if self._telling is not None:
            await asyncio.wait({self._telling}, timeout=_REPORT_SECONDS)
            self._telling.cancel()

    def _takes(self) -> bool:
        """Tell whether one more may wait, and count it."""
        now = time.monotonic()
        self._left = min(_REPORTS, self._left + (now - self._at) * _REPORTS)
        self._at = now
        if self._left < 1 or self._most < 1 or len(self._waiting) >= _REPORTS:
            return False
        self._left -= 1
        self._most -= 1
        return True

    def _put(self, *said: Any) -> None:
        self._waiting.append(said)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._all())

    async def _all(self) -> None:
        while self._waiting:
            try:
                await self._tell(*self._waiting.popleft())
            except Exception as reason:  # noqa: BLE001 - whoever listens may be gone
                log.info("progress_not_told", reason=type(reason).__name__)


class Reports(_Turns):
    """Progress of one call."""

    def __init__(self, tell: Progress) -> None:
        super().__init__(tell, inf)

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        if self._takes():
            self._put(progress, total, message and message[:1_000])


class Remarks(_Turns):
    """Log messages of one call."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.tell, _MOST_REMARKS)
        self._clean = listener.clean
        self._levels = LEVELS[LEVELS.index(listener.level) :]

    def hear(self, message: JSONRPCMessage) -> None:
        """Pass a message on, if it is one and severe enough."""
        params = _remark(message)
        if params is not None and params.get("level") in self._levels and self._takes():
            self._put(params["level"], *self._clean(params.get("logger"), params.get("data")))


REMARKS: ContextVar[Remarks | None] = ContextVar("gateway_remarks", default=None)


def _remark(message: JSONRPCMessage) -> Mapping[str, Any] | None:
    if isinstance(message, JSONRPCNotification) and message.method == "notifications/message":
        return message.params or {}
    return None
