"""Placeholders: what stands where a secret stood, the same for the same secret."""

import hmac
import re
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

PLACEHOLDER = re.compile(r"\[secret:[a-z][a-z0-9_]{0,23}:[0-9a-f]{8}\]")
OPENING = "[secret:"
CREDENTIAL = (
    "credential"  # a value known by its context only: one class, so equal values stay equal
)
UNREAD = "unread"  # too deep, too large or too strange to be read: hidden whole

_LONG = 120  # patterns stop somewhere beyond; what they stop in is hidden to its end
_REST = re.compile(r"(?<=[\w+/=~%\\-])[\w+/=~%\\.-]++")
_SEPARATORS = re.compile(r"[\s().\-]+")
_GROUPED = frozenset({"phone", "card"})
_key = secrets.token_bytes(32)


class Span(NamedTuple):
    """A stretch of text to hide: where, of which class, and the secret as it really reads."""

    start: int
    end: int
    kind: str
    secret: str
    quoted: bool = False  # a bare JSON number or word: its placeholder needs quotes of its own


def set_key(key: bytes) -> None:
    """Tag secrets with this key from now on, so that several processes agree.

    :raises ValueError: the key has fewer than 16 bytes.
    """
    global _key
    if len(key) < 16:
        raise ValueError("a tagging key needs at least 16 bytes")
    _key = bytes(key)


def placeholder(kind: str, secret: str) -> str:
    """Return ``[secret:<kind>:<tag>]``; the tag is a keyed hash and cannot be tried by guessing."""
    plain = _SEPARATORS.sub("", secret) if kind in _GROUPED else secret
    return f"{OPENING}{kind}:{digest(plain)[:8]}]"


def digest(text: str) -> str:
    """Return the whole keyed hash of a text, as 64 hex digits."""
    return hmac.digest(_key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def hidden(text: str, spans: list[Span]) -> str:
    """Return the text with each span replaced; what already is a placeholder stays."""
    pieces, at = [], 0
    for span in _stretched(text, _joined(_spared(text, spans))):
        mark = placeholder(span.kind, span.secret)
        pieces += [text[at : span.start], f'"{mark}"' if span.quoted else mark]
        at = span.end
    pieces.append(text[at:])
    return "".join(pieces)


def _stretched(text: str, spans: list[Span]) -> Iterable[Span]:
    """Yield the spans, those that stop in the middle of a very long word to its end."""
    covered = 0
    for span in spans:
        if span.start < covered:
            continue
        if span.end - span.start >= _LONG and (rest := _REST.match(text, span.end)):
            span = span._replace(end=rest.end())
        covered = span.end
        yield span


def _spared(text: str, spans: list[Span]) -> list[Span]:
    if OPENING not in text:
        return spans
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    return [part for span in spans for part in _without(text, span, taken)] if taken else spans


def _without(text: str, span: Span, taken: list[tuple[int, int]]) -> Iterable[Span]:
    """Yield what is left of a span outside the placeholders it touches."""
    touched = _touched(span, taken)
    if touched and touched[0][0] < span.start:
        return  # found by a name that is part of the placeholder
    if not touched:
        yield span
        return
    at = span.start
    for start, end in [*touched, (span.end, span.end)]:
        if at < start and text[at:start].strip(" \t\r\n,;:&=|/\"'"):
            yield Span(at, start, CREDENTIAL, text[at:start])
        at = max(at, end)


def _touched(span: Span, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    at = bisect_right(taken, (span.start, span.start))
    first = at - 1 if at and taken[at - 1][1] > span.start else at
    last = bisect_left(taken, (span.end, span.end))
    return taken[first:last]


def _joined(spans: list[Span]) -> list[Span]:
    """Merge spans that overlap; the widest names the union, a known shape before a context."""
    joined: list[Span] = []
    order = sorted(spans, key=lambda one: (one.start, -one.end, one.kind == CREDENTIAL))
    for span in order:
        last = joined[-1] if joined else None
        if last is None or span.start >= last.end:
            joined.append(span)
        elif span.end > last.end:
            secret = last.secret + span.secret[last.end - span.start :]
            joined[-1] = Span(last.start, span.end, CREDENTIAL, secret, last.quoted)
        elif last.kind == CREDENTIAL and span.secret == last.secret:
            joined[-1] = Span(last.start, last.end, span.kind, span.secret, last.quoted)
    return joined
