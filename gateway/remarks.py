"""What a tool's server says beside its answer, fit to be passed on: short, and without secrets.

MCP calls it log messages. They are read by whoever called, beside the answer; no row keeps them.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from contracts.bodies.policy import Policy
from gateway import digests, fitting, policies
from gateway.cleaning import Cleaner
from gateway.providers.base import Listener, Secret

MOST = 1_000  # characters of one
_MOST_NAME = 100
_SLACK = 1_024
_MOST_WHOLE = 4_096  # of JSON that is cleaned value by value
_MOST_READ = 64 * 1024  # of JSON that is spelled at all
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def overheard(
    listener: Listener | None, asked: Iterable[Policy], secrets: Iterable[Secret]
) -> Listener | None:
    """Return who is told what a server says, and is told it without secrets.

    :param asked: the project's policies.
    :param secrets: what the server was shown.
    """
    if listener is None:
        return None
    return replace(listener, clean=partial(_clean, Cleaner(policies.redaction(asked), secrets)))


def _clean(cleaner: Cleaner, logger: Any, data: Any) -> tuple[str | None, str]:
    name = _short(cleaner, logger, _MOST_NAME) if isinstance(logger, str) else None
    if isinstance(data, str):
        return name, _short(cleaner, data, MOST)
    spelled = _spelled(data)
    if len(spelled) <= _MOST_WHOLE:
        return name, fitting.cut(digests.text(cleaner.value(data)), MOST)
    return name, _short(cleaner, spelled, MOST)


def _short(cleaner: Cleaner, text: str, most: int) -> str:
    read, unread = cleaner.beginning(text, most, _SLACK)
    return fitting.cut(read, most, unread)


def _spelled(data: Any) -> str:
    """Return a value as JSON, as far as anybody will read it."""
    parts, size = [], 0
    for part in _ENCODER.iterencode(data):
        parts.append(part)
        size += len(part)
        if size > _MOST_READ:
            break
    return "".join(parts)
