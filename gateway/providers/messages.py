"""JSON-RPC messages from outside, read within bounds."""

import asyncio
import re
from math import isfinite
from typing import Any

from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCResponse, jsonrpc_message_adapter

from awooop.errors import Code
from gateway.providers.base import Failed

MOST_LEVELS = 64
MOST_TOKENS = 200_000  # of a message or a list: one of two bytes takes two hundred, once read
_MOST_BITS = 1_024  # of a number
_LARGE = 64 * 1024
# values in what the SDK judges item by item, keeping every fault that it finds
_MOST_JUDGED = {"content": 4_000, "inputRequests": 400}
_MARKS = (b",", b":", b"[", b"{")
_TOKEN = re.compile(rb'[,:\[{]|"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)


async def read(raw: bytes) -> JSONRPCMessage:
    """Read one message; a large one on another thread, so that nobody waits for it.

    :raises ValueError: it is not a message, or nested too deeply, or holds what is not a number.
    :raises Failed: it would take too much memory.
    """
    return _read(raw) if len(raw) < _LARGE else await asyncio.to_thread(_read, raw)


def tokens(raw: bytes) -> int:
    """Count what JSON consists of, beyond the most there may be of it no longer."""
    count = sum(map(raw.count, _MARKS)) + raw.count(b'"') // 2
    if count <= MOST_TOKENS:
        return count
    count = 0  # many may stand in texts
    for _ in _TOKEN.finditer(raw):
        count += 1
        if count > MOST_TOKENS:
            break
    return count


def _read(raw: bytes) -> JSONRPCMessage:
    if len(raw) > MOST_TOKENS and tokens(raw) > MOST_TOKENS:
        raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
    message = jsonrpc_message_adapter.validate_json(raw, by_name=False)
    if isinstance(message, JSONRPCResponse):
        _bound(message.result)
        for name, most in _MOST_JUDGED.items():
            _count(message.result.get(name), most)
    elif isinstance(message, JSONRPCError):
        _bound([message.error.data])
    else:
        _bound(message.params or {})
    return message


def _bound(value: dict[str, Any] | list[Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS):
        deeper: list[Any] = []
        for holder in level:
            for each in holder.values() if type(holder) is dict else holder:
                kind = type(each)
                if kind is dict or kind is list:
                    deeper.append(each)
                elif kind is float:
                    if not isfinite(each):
                        raise ValueError("a number that is none")
                elif kind is int and each.bit_length() > _MOST_BITS:
                    raise ValueError("a number without end")
        if not deeper:
            return
        level = deeper
    raise ValueError("nested too deeply")


def _count(value: Any, most: int) -> None:
    waiting, count = [value], 0
    while waiting:
        each = waiting.pop()
        if type(each) is dict or type(each) is list:
            count += len(each)
            if count > most:
                raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
            waiting += each.values() if type(each) is dict else each
