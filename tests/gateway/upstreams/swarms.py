"""Answers that are short on the wire, and huge once they are read or judged."""

import json
from typing import Any

from awooop.errors import Code
from tests.gateway.upstreams.misdeeds import call, listing
from tests.gateway.upstreams.peer import FINE, Peer


async def _result(peer: Peer, **fields: str) -> None:
    """Answer with fields that are JSON already."""
    spelled = json.dumps(peer.answer({**FINE, **dict.fromkeys(fields)}))
    for name, value in fields.items():
        spelled = spelled.replace(f'"{name}": null', f'"{name}": {value}')
    await peer.body(spelled.encode())


def _many(piece: str, times: int = 1_000_000) -> str:
    return "[" + ",".join([piece] * times) + "]"


@call(Code.UPSTREAM_TOO_LARGE, big=True)
async def a_million_empty_lists(peer: Peer) -> None:
    await _result(peer, structuredContent=f'{{"rows": {_many("[]")}}}')


@call(Code.UPSTREAM_TOO_LARGE, big=True)
async def a_million_blocks_that_are_none(peer: Peer) -> None:
    await _result(peer, content=_many("{}"))


@call(Code.UPSTREAM_TOO_LARGE, big=True)
async def fifty_thousand_blocks_that_are_none(peer: Peer) -> None:
    await _result(peer, content=_many("{}", 50_000))


@call(Code.UPSTREAM_TOO_LARGE, big=True)
async def a_list_where_a_word_should_be(peer: Peer) -> None:
    audience = json.dumps([{"type": "text", "text": "x", "annotations": {"audience": None}}])
    await _result(peer, content=audience.replace("null", _many("1", 50_000)))


@call(Code.UPSTREAM_TOO_LARGE, big=True)
async def an_error_with_a_million_parts(peer: Peer) -> None:
    error: dict[str, Any] = {"code": 1, "message": "no", "data": None}
    answer = {"jsonrpc": "2.0", "id": peer.message["id"], "error": error}
    await peer.body(json.dumps(answer).replace("null", _many("{}")).encode())


@call(None, big=True)
async def asks_for_sampling_of_a_swarm(peer: Peer) -> None:
    await peer.stream()
    message = {"role": "user", "content": [{}] * 25_000}
    await peer.ask("sampling/createMessage", {"messages": [message], "maxTokens": 1})
    await peer.event(peer.answer(FINE))


@call(None, big=True)
async def many_commas_in_one_text(peer: Peer) -> None:
    """A table as text, which is as long as an answer may be, and harmless."""
    await peer.result({"content": [{"type": "text", "text": 'a,b,"c"\n' * 300_000}]})


@listing
async def swarms_on_every_page(peer: Peer) -> None:
    number = int((peer.message.get("params") or {}).get("cursor", 0))
    tool = {"name": f"tool_{number}", "inputSchema": {"type": "object"}, "x-unknown": None}
    page = json.dumps(peer.answer({"tools": [tool], "nextCursor": str(number + 1)}))
    await peer.body(page.replace("null", _many("[]", 90_000)).encode())
