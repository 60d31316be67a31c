"""What stands for arguments and answers in rows: equal for equal values, and telling nothing."""

import hmac
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from awooop.kit import canonical, derive

_LARGE = 262_144  # characters of JSON; what is larger is hashed as Python spells it


def of(value: Any) -> str:
    """Return the keyed hash of a JSON value, as 64 hex digits: HMAC-SHA-256 of its RFC 8785 form.

    A plain hash beside a redacted text would let a reader of the row try every PIN or short
    password in its place. With the key, equal values are still equal, and nothing can be tried.
    """
    return of_bytes(spelled(value))


def of_bytes(spelled: bytes) -> str:
    """Return the keyed hash of what :func:`spelled` returned."""
    # Not hmac.digest: that lets other threads go first, which cost thirty times as much as it does.
    return hmac.new(_key(settings.REDACTION_KEY), spelled, "sha256").hexdigest()


def spelled(value: Any) -> bytes:
    """Return the canonical bytes of a value; of one that has none, or is huge, sorted JSON."""
    plain = text(value)
    if len(plain) <= _LARGE:
        try:
            return canonical.canonical(value)
        except canonical.NotCanonical:
            pass
    return plain.encode(errors="surrogatepass")


def text(value: Any) -> str:
    """Return a value as compact JSON; never raises."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError):
        return "".join(_tokens(value))


def _tokens(value: Any) -> Iterator[str]:
    """Yield a spelling of what is nested too deeply for JSON's own encoder."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            yield f"{{{len(each)}:"
            waiting += [part for pair in each.items() for part in pair]
        elif isinstance(each, list | tuple):
            yield f"[{len(each)}:"
            waiting += each
        elif isinstance(each, str):
            yield f"{each!a};"
        else:
            yield f"{type(each).__name__}{each if isinstance(each, float | bool) else ''};"


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return derive.key(secret, "calls")
