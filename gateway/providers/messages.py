"""JSON-RPC messages from outside, read within bounds."""

import asyncio
from math import isfinite
from typing import Any

from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCResponse, jsonrpc_message_adapter

MOST_LEVELS = 64
_MOST_BITS = 1_024  # of a number
_LARGE = 64 * 1024


async def read(raw: bytes | str) -> JSONRPCMessage:
    """Read one message; a large one on another thread, so that nobody waits for it.

    :raises ValueError: it is not a message, or nested too deeply, or holds what is not a number.
    """
    return _read(raw) if len(raw) < _LARGE else await asyncio.to_thread(_read, raw)


def _read(raw: bytes | str) -> JSONRPCMessage:
    message = jsonrpc_message_adapter.validate_json(raw, by_name=False)
    if isinstance(message, JSONRPCResponse):
        _bound(message.result)
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
