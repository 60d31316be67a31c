"""Answers that are ambiguous, or only odd: HTTP that two readers might read in two ways."""

import asyncio
import json
from typing import Any

from awooop.errors import Code
from tests.gateway.upstreams.misdeeds import MEGABYTE, call, listing
from tests.gateway.upstreams.peer import FINE, Peer


@call(Code.UPSTREAM_BROKEN)
async def two_lengths(peer: Peer) -> None:
    data = json.dumps(peer.answer(FINE)).encode()
    both = (f"Content-Length: {len(data)}", "Transfer-Encoding: chunked")
    await peer.head("200 OK", "application/json", *both)
    await peer.say(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))


@call(Code.UPSTREAM_BROKEN)
async def packs_in_two_ways(peer: Peer) -> None:
    data = json.dumps(peer.answer(FINE)).encode()
    await peer.head("200 OK", "application/json", "Transfer-Encoding: gzip, chunked")
    await peer.say(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))


@call(Code.UPSTREAM_BROKEN)
async def switches_protocols(peer: Peer) -> None:
    await peer.say(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")


@call(Code.UPSTREAM_BROKEN)
async def speaks_another_version(peer: Peer) -> None:
    await peer.say(b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@call(Code.UPSTREAM_BROKEN, big=True)
async def endless_trailers(peer: Peer) -> None:
    await peer.head("200 OK", "application/json", "Transfer-Encoding: chunked")
    await peer.say(b"1\r\n \r\n0\r\n")
    while True:
        await peer.say(b"A: b\r\n" * 1_000)


@call(Code.UPSTREAM_BROKEN, big=True)
async def endless_chunk_extension(peer: Peer) -> None:
    await peer.head("200 OK", "application/json", "Transfer-Encoding: chunked")
    await peer.say(b"1;a=")
    while True:
        await peer.say(MEGABYTE)


@call(None)
async def hints_before_it_answers(peer: Peer) -> None:
    await peer.say(b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n")
    await peer.result(FINE)


@call(None)
async def ends_by_closing(peer: Peer) -> None:
    await peer.head("200 OK", "application/json")
    await peer.say(json.dumps(peer.answer(FINE)).encode())
    peer.writer.close()


@call(None)
async def speaks_in_single_bytes(peer: Peer) -> None:
    """Events in chunks, with every kind of line's end."""
    data = json.dumps(peer.answer(FINE)).encode()
    text = b": hello\r\r\nevent: message\r\nid: 1\rdata: %s\r\n\r\n" % data
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    for byte in head + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), text):
        await peer.say(bytes((byte,)))
        await asyncio.sleep(0)


@call(None)
async def ends_its_stream_in_order(peer: Peer) -> None:
    await _stream(peer, end=b"0\r\n\r\n")


@call(None)
async def says_more_in_its_stream(peer: Peer) -> None:
    await _stream(peer, end=b"1\r\n\n\r\n")


async def _stream(peer: Peer, *, end: bytes) -> None:
    await peer.head("200 OK", "text/event-stream", "Transfer-Encoding: chunked")
    event = b"data: %s\n\n" % json.dumps(peer.answer(FINE)).encode()
    await peer.say(b"%x\r\n%s\r\n" % (len(event), event))
    await asyncio.sleep(0.01)
    await peer.say(end)


@call(None)
async def answers_once_more(peer: Peer) -> None:
    """The second answer comes when nobody asks, as if to the next request."""
    await peer.result(FINE)
    forged = {"content": [{"type": "text", "text": "forged"}]}
    asyncio.get_running_loop().call_later(0.05, _forge, peer, forged)


def _forge(peer: Peer, result: Any) -> None:
    answer = {**peer.answer(result), "id": peer.message["id"] + 1}
    data = json.dumps(answer).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    peer.writer.write(head % len(data) + data)


@call(None)
async def says_error_in_a_number(peer: Peer) -> None:
    await peer.result({**FINE, "isError": 1})


@listing
async def ends_with_an_empty_cursor(peer: Peer) -> None:
    tool = {"name": "only", "inputSchema": {"type": "object"}}
    await peer.result({"tools": [tool], "nextCursor": ""})
