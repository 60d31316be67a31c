"""One connection to a test's server, and what may be said over it, well-formed or not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

FINE = {"content": [{"type": "text", "text": "fine"}]}


class Peer:
    """One connection, and the request that came over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.path = self.method = ""
        self.headers: dict[str, str] = {}
        self.message: dict[str, Any] = {}
        self.asked = 0

    async def hear(self) -> bool:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ")
        pairs = (line.partition(": ") for line in lines if line)
        self.headers = {name.lower(): value for name, _, value in pairs}
        body = await self.reader.readexactly(int(self.headers.get("content-length", 0)))
        self.message = json.loads(body) if body else {}
        return True

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(
        self, status: str = "200 OK", kind: str = "application/json", *more: str
    ) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
        await self.say(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def body(
        self, data: bytes, status: str = "200 OK", kind: str = "application/json"
    ) -> None:
        await self.head(status, kind, f"Content-Length: {len(data)}")
        await self.say(data)

    async def json(self, value: Any, status: str = "200 OK") -> None:
        await self.body(json.dumps(value).encode(), status)

    async def result(self, result: Any, **more: Any) -> None:
        await self.json(self.answer(result, **more))

    def answer(self, result: Any, **more: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.message.get("id"), "result": result, **more}

    async def stream(self) -> None:
        await self.head("200 OK", "text/event-stream", "Connection: close")

    async def event(self, value: Any) -> None:
        await self.say(b"data: " + json.dumps(value).encode() + b"\n\n")

    async def notify(self, method: str, **params: Any) -> None:
        await self.event({"jsonrpc": "2.0", "method": method, "params": params})

    async def ask(self, method: str, params: dict[str, Any]) -> None:
        number = f"asked-{self.asked}"
        self.asked += 1
        await self.event({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def shake(version: str = "2025-11-25") -> dict[str, Any]:
    info = {"name": "hostile", "version": "0"}
    return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}


Act = Callable[[Peer], Awaitable[None]]
