"""A client at the door: keep-alive connections that send one request after another."""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import httptools
import uvloop

from awooop.console.bench import fill
from awooop.kit import ids

MODERN = "2026-07-28"
_MOST_SAID = 300
_UNWELL = (b'"isError":true', b'"is_error":true', b'"error":')


class _Line(asyncio.Protocol):
    """One connection: asks, reads the answer, asks again until the time is over."""

    def __init__(self, asked: Iterator[bytes], until: float) -> None:
        self.asked, self.until = asked, until
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.latencies.append(time.perf_counter() - self.sent)
        is_well = not any(mark in self.body for mark in _UNWELL)
        self.statuses[str(self.parser.get_status_code()) if is_well else _said(self.body)] += 1
        if time.monotonic() < self.until:
            self._ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _ask(self) -> None:
        self.parser, self.body = httptools.HttpResponseParser(self), b""
        request = next(self.asked)
        self.sent = time.perf_counter()
        self.transport.write(request)


def post(
    port: int, path: str, key: str, seconds: float, lines: int, events: Sequence[str] = ()
) -> dict[str, Any]:
    """Place orders for some seconds over ``lines`` connections.

    :param events: the event ids to repeat; every request is a new event when there are none.
    :returns: see :func:`summed`.
    """
    known = itertools.cycle(events) if events else iter(lambda: str(ids.new_id()), "")
    bodies = (
        f'{{"agent_id":"{fill.AGENT}","trigger_type":"api","input":{fill.INPUT},'
        f'"channel_type":"api","provider_event_id":"{event}"}}'
        for event in known
    )
    return uvloop.run(_ask_all(port, _spelled(port, path, key, bodies), seconds, lines))


def call(
    port: int,
    path: str,
    key: str,
    seconds: float,
    lines: int,
    tool: str,
    revision: str = MODERN,
) -> dict[str, Any]:
    """Call a tool for some seconds over ``lines`` connections.

    :param revision: of MCP; empty for the REST door.
    :returns: see :func:`summed`.
    """
    headers, bodies = {}, _calls(tool, revision)
    if revision:
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": revision,
        }
    if revision >= MODERN:
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    asked = _spelled(port, path, key, bodies, **headers)
    return uvloop.run(_ask_all(port, asked, seconds, lines))


def arguments(number: int) -> dict[str, Any]:
    """Return what a tool is called with, each time something else."""
    return {"text": "how is checkout?", "count": number}


def _calls(tool: str, revision: str) -> Iterator[str]:
    params: dict[str, Any] = {"name": tool}
    if revision >= MODERN:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    for number in itertools.count(1):
        params["arguments"] = arguments(number)
        if revision:
            request = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            yield json.dumps(request)
        else:
            yield json.dumps({"tool": tool, "arguments": params["arguments"]})


def _spelled(
    port: int, path: str, key: str, bodies: Iterator[str], **headers: str
) -> Iterator[bytes]:
    given = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **headers}
    given["Authorization"] = f"Bearer {key}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}Content-Length: ".encode()
    for body in bodies:
        yield head + b"%d\r\n\r\n" % len(body) + body.encode()


async def _ask_all(port: int, asked: Iterator[bytes], seconds: float, lines: int) -> dict[str, Any]:
    """Ask over all lines at once; see :func:`summed`."""
    loop, began = asyncio.get_running_loop(), time.monotonic()
    opened = [
        await loop.create_connection(lambda: _Line(asked, began + seconds), "127.0.0.1", port)
        for _ in range(lines)
    ]
    protocols = [protocol for _, protocol in opened]
    await asyncio.gather(*(protocol.done for protocol in protocols))
    took = time.monotonic() - began
    latencies = itertools.chain.from_iterable(line.latencies for line in protocols)
    statuses = sum((line.statuses for line in protocols), Counter[str]())
    return summed(latencies, statuses, took)


def summed(taken: Iterable[float], statuses: Mapping[str, int], seconds: float) -> dict[str, Any]:
    """Return requests a second, their statuses, and median and 99th percentile in milliseconds.

    :param taken: seconds, of each request.
    """
    latencies = sorted(taken)
    return {
        "rate": len(latencies) / seconds,
        "statuses": dict(statuses),
        "p50_ms": _percentile(latencies, 0.5),
        "p99_ms": _percentile(latencies, 0.99),
    }


def _said(body: bytes) -> str:
    return body[:_MOST_SAID].decode(errors="replace")


def _percentile(latencies: Sequence[float], share: float) -> float:
    return 1000 * latencies[int(len(latencies) * share)] if latencies else 0.0
