"""A client at the door: keep-alive connections that post one request after another."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httptools
import uvloop

from awooop.console.bench import fill
from awooop.kit import ids


class _Line(asyncio.Protocol):
    """One connection: posts, reads the answer, posts again until the time is over."""

    def __init__(self, head: bytes, events: Sequence[str], until: float) -> None:
        self.head, self.events, self.until = head, itertools.cycle(events), until
        self.fresh = not events
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self._post()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.latencies.append(time.perf_counter() - self.posted)
        self.statuses[self.parser.get_status_code()] += 1
        if time.monotonic() < self.until:
            self.parser = httptools.HttpResponseParser(self)
            self._post()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _post(self) -> None:
        event = str(ids.new_id()) if self.fresh else next(self.events)
        body = (
            f'{{"agent_id":"{fill.AGENT}","trigger_type":"api","input":{fill.INPUT},'
            f'"channel_type":"api","provider_event_id":"{event}"}}'
        ).encode()
        self.posted = time.perf_counter()
        self.transport.write(self.head + b"%d\r\n\r\n" % len(body) + body)


def post(
    port: int, path: str, key: str, seconds: float, lines: int, events: Sequence[str] = ()
) -> dict[str, Any]:
    """Post for some seconds over ``lines`` connections.

    :param events: the event ids to repeat; every request is a new event when there are none.
    :returns: requests a second, their statuses and the median's milliseconds.
    """
    return uvloop.run(_post_all(port, path, key, seconds, lines, events))


async def _post_all(
    port: int, path: str, key: str, seconds: float, lines: int, events: Sequence[str]
) -> dict[str, Any]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    loop, began = asyncio.get_running_loop(), time.monotonic()
    opened = [
        await loop.create_connection(
            lambda: _Line(head, events, began + seconds), "127.0.0.1", port
        )
        for _ in range(lines)
    ]
    protocols = [protocol for _, protocol in opened]
    await asyncio.gather(*(protocol.done for protocol in protocols))
    took = time.monotonic() - began
    latencies = sorted(itertools.chain.from_iterable(line.latencies for line in protocols))
    statuses = sum((line.statuses for line in protocols), Counter[int]())
    return {
        "rate": len(latencies) / took,
        "statuses": {str(status): count for status, count in statuses.items()},
        "p50_ms": 1000 * latencies[len(latencies) // 2] if latencies else 0.0,
    }
