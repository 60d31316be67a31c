"""MCP content blocks: what of each may be shown, cut, or is only told of.

Only fields that are known are taken over; ``_meta``, icons and whatever else comes is dropped.
"""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any

from gateway.cleaning import Cleaner

Block = dict[str, Any]

_LONGEST_ADDRESS = 256
_LONGEST_LINK = 2_000
_LONGEST_NAME = 200
_MIME = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,60}(?:; ?[\w-]{1,20}=[\w.+-]{1,30})?", re.ASCII)
_MOMENT = re.compile(r"[0-9TZ:.+-]{4,40}")


class Twin(Enum):
    """How a text can say what the structured content says."""

    ALL = "all"  # the same JSON
    RESULT = "result"  # the JSON of its only field, which many servers call so
    WORDS = "words"  # that field as it is, a text


@dataclass(slots=True)
class Piece:
    """A block on its way.

    :param text: what may be cut; of what is shown whole or not at all, what is told instead.
    :param make: makes the block from its text.
    :param fixed: characters that the block has besides its text.
    :param whole: the block, when it may not be cut.
    :param twin: how its text repeats the structured content.
    :param shown: its text, cleaned; ``unread`` characters follow that were not.
    """

    text: str
    make: Callable[[str], Block]
    fixed: int = 0
    whole: Block | None = None
    twin: "Twin | None" = None
    shown: str | None = None
    unread: int = 0


def text(words: str) -> Block:
    """Return a block of text."""
    return {"type": "text", "text": words}


def size(block: Mapping[str, Any]) -> int:
    """Return how many characters a block has that its server chose."""
    return sum(
        size(each) if isinstance(each, dict) else len(each) if isinstance(each, str) else 0
        for name, each in block.items()
        if name not in ("type", "annotations")
    )


def read(block: Any, cleaner: Cleaner, most: int) -> Piece:
    """Return what is to become of a block, its texts not yet cleaned.

    :param most: characters beyond which nothing is shown whole.
    """
    kind = block.get("type") if isinstance(block, Mapping) else None
    if isinstance(block, Mapping):
        extra = _annotations(block.get("annotations"))
        if kind == "text" and isinstance(block.get("text"), str):
            return Piece(block["text"], lambda words: {**text(words), **extra})
        if kind in ("image", "audio") and isinstance(block.get("data"), str):
            made = {"type": kind, "data": block["data"], **extra}
            made["mimeType"] = mime(block.get("mimeType"), cleaner)
            return _binary(made, made["data"], made["mimeType"], cleaner, most)
        if kind == "resource" and isinstance(block.get("resource"), Mapping):
            return _resource(block["resource"], extra, cleaner, most)
        if kind == "resource_link" and isinstance(block.get("uri"), str):
            return _link(block, extra, cleaner)
    name = cleaner.text(kind[:40]) if isinstance(kind, str) else "none"
    return Piece(f"[a block of type {name} was left out]", text)


def mime(value: Any, cleaner: Cleaner) -> str:
    """Return a media type if it is nothing else."""
    if isinstance(value, str) and _MIME.fullmatch(value) and cleaner.is_clean(value):
        return value
    return "application/octet-stream"


def told(kind: str, data: str) -> str:
    """Return in words what stands for binary data."""
    try:
        raw = b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        return f"{kind}, {len(data):,} characters that are not base64"
    return f"{kind}, {len(raw):,} bytes, sha256 {sha256(raw).hexdigest()}"


def twin(words: str, structured: Any) -> Twin | None:
    """Return how a text repeats the structured content, if it does."""
    only = isinstance(structured, Mapping) and structured.keys() == {"result"}
    if only and structured["result"] == words:
        return Twin.WORDS
    if not only and words.lstrip()[:1] != "{":
        return None
    try:
        said = json.loads(words)
        if said == structured:
            return Twin.ALL
        return Twin.RESULT if only and said == structured["result"] else None
    except (ValueError, RecursionError):
        return None


def _resource(resource: Mapping[str, Any], extra: Block, cleaner: Cleaner, most: int) -> Piece:
    made: Block = {"uri": _short(resource.get("uri"), _LONGEST_ADDRESS, cleaner)}
    if resource.get("mimeType") is not None:
        made["mimeType"] = mime(resource["mimeType"], cleaner)
    if isinstance(resource.get("text"), str):
        return Piece(
            resource["text"],
            lambda words: {"type": "resource", "resource": {**made, "text": words}, **extra},
            fixed=size(made),
        )
    if isinstance(resource.get("blob"), str):
        whole = {"type": "resource", "resource": {**made, "blob": resource["blob"]}, **extra}
        kind = made.get("mimeType", "application/octet-stream")
        return _binary(whole, resource["blob"], kind, cleaner, most)
    return Piece("[a resource without content was left out]", text)


def _binary(whole: Block, data: str, kind: str, cleaner: Cleaner, most: int) -> Piece:
    """Return data that is shown whole where that is little and holds nothing to hide."""
    if len(data) > most:
        return Piece(told(kind, data), text)
    try:
        raw = b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        return Piece(told(kind, data), text)
    if not cleaner.is_harmless(raw, data):
        return Piece(f"{kind}, {len(raw):,} bytes, withheld: it holds a secret", text)
    return Piece(told(kind, data), text, whole=whole)


def _link(block: Mapping[str, Any], extra: Block, cleaner: Cleaner) -> Piece:
    made: Block = {"type": "resource_link", "uri": _short(block["uri"], _LONGEST_LINK, cleaner)}
    made["name"] = _short(block.get("name"), _LONGEST_NAME, cleaner)
    for field, most in (("title", _LONGEST_NAME), ("description", _LONGEST_LINK)):
        if isinstance(block.get(field), str):
            made[field] = _short(block[field], most, cleaner)
    if block.get("mimeType") is not None:
        made["mimeType"] = mime(block["mimeType"], cleaner)
    count = block.get("size")
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53:
        made["size"] = count
    return Piece("[a link was left out]", text, whole={**made, **extra})


def _short(value: Any, most: int, cleaner: Cleaner) -> str:
    if not isinstance(value, str):
        return ""
    return cleaner.beginning(value, most, _LONGEST_ADDRESS)[0][:most]


def _annotations(value: Any) -> Block:
    if not isinstance(value, Mapping):
        return {}
    kept: Block = {}
    audience, priority = value.get("audience"), value.get("priority")
    if isinstance(audience, list):
        kept["audience"] = [who for who in ("user", "assistant") if who in audience[:2]]
    if isinstance(priority, int | float) and not isinstance(priority, bool) and 0 <= priority <= 1:
        kept["priority"] = priority
    moment = value.get("lastModified")
    if isinstance(moment, str) and _MOMENT.fullmatch(moment):
        kept["lastModified"] = moment
    return {"annotations": kept} if kept else {}
