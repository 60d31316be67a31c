"""A server that breaks its promises, each kind in its own way, over real sockets.

It shakes hands properly unless the kind is about that, and misbehaves when a tool is called. The
kind is the path: ``http://127.0.0.1:PORT/KIND``.
"""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.gateway.upstreams import oddities, swarms
from tests.gateway.upstreams.misdeeds import CALLS, HANDSHAKES, LISTS, bomb
from tests.gateway.upstreams.peer import FINE, Peer, shake


class Hostile:
    """The server, and what reached it."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self.replies: list[dict[str, Any]] = []
        self.connections = 0
        self.port = 0
        self.loop = asyncio.new_event_loop()

    def url(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.port}/{kind}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.connections += 1
        with contextlib.suppress(Exception):
            while await peer.hear():
                await self.answer(peer)
        writer.close()

    async def answer(self, peer: Peer) -> None:
        kind = peer.path.strip("/")
        method = peer.message.get("method", peer.method)
        self.seen[kind, method] += 1
        if "method" not in peer.message and peer.method == "POST":
            self.replies.append(peer.message)
        if method == "tools/call" and kind in CALLS:
            await CALLS[kind][0](peer)
        elif method == "tools/list" and kind in LISTS:
            await LISTS[kind](peer)
        elif method in ("initialize", "server/discover") and kind in HANDSHAKES:
            await HANDSHAKES[kind][0](peer)
        elif method == "initialize":
            data = json.dumps(peer.answer(shake())).encode()
            session = f"Mcp-Session-Id: {self.seen[kind, method]}"
            more = (session,) if kind.startswith("forgets") else ()
            length = f"Content-Length: {len(data)}"
            await peer.head("200 OK", "application/json", length, *more)
            await peer.say(data)
        elif method == "server/discover":
            error = {"code": -32601, "message": "Method not found"}
            await peer.json({"jsonrpc": "2.0", "id": peer.message["id"], "error": error})
        elif "id" in peer.message and "method" in peer.message:
            await peer.result(FINE)
        else:
            await peer.body(b"", "202 Accepted")


@contextlib.contextmanager
def serving() -> Iterator[Hostile]:
    """Serve from a thread."""
    bomb()
    assert oddities.__name__, swarms.__name__  # their kinds are among CALLS
    hostile = Hostile()
    ready = threading.Event()

    async def start() -> None:
        server = await asyncio.start_server(hostile.serve, "127.0.0.1", 0, limit=2**20)
        hostile.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(hostile.loop)
        hostile.loop.run_until_complete(start())
        hostile.loop.run_forever()
        left = asyncio.all_tasks(hostile.loop)
        for task in left:
            task.cancel()
        hostile.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    thread = threading.Thread(target=run, name="hostile", daemon=True)
    thread.start()
    ready.wait(5)
    yield hostile
    hostile.loop.call_soon_threadsafe(hostile.loop.stop)
    thread.join(5)
