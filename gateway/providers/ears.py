"""What a server says unasked: requests it may not make, news, chatter; heard within bounds."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable

import structlog
from mcp_types import JSONRPCMessage, JSONRPCNotification, JSONRPCRequest

from gateway.providers.base import Progress, Target

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
_LOG_SECONDS = 10.0


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


class Reports:
    """Progress of one call, passed on in order and not too often; what is too much is dropped."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._waiting: deque[tuple[float, float | None, str | None]] = deque()
        self._left, self._at = float(_REPORTS), time.monotonic()
        self._telling: asyncio.Task[None] | None = None

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        now = time.monotonic()
        self._left = min(_REPORTS, self._left + (now - self._at) * _REPORTS)
        self._at = now
        if self._left < 1 or len(self._waiting) >= _REPORTS:
            return
        self._left -= 1
        self._waiting.append((progress, total, message and message[:1_000]))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._all())

    async def told(self) -> None:
        """Wait a moment for what is still to be passed on."""
        if self._telling is not None:
            await asyncio.wait({self._telling}, timeout=_REPORT_SECONDS)
            self._telling.cancel()

    async def _all(self) -> None:
        while self._waiting:
            try:
                await self._tell(*self._waiting.popleft())
            except Exception as reason:  # noqa: BLE001 - whoever listens may be gone
                log.info("progress_not_told", reason=type(reason).__name__)
