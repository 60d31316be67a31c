"""Identities: time-ordered UUIDs, trace ids, secrets."""

import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from uuid_utils.compat import uuid7

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


def new_id() -> UUID:
    """Return a UUID v7 (RFC 9562): ordered by the millisecond it was made in."""
    return uuid7()


def floor_id(moment: datetime) -> UUID:
    """Return the smallest UUID v7 that could have been made at ``moment``.

    :param moment: an aware datetime.
    """
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62))


def made_at(identity: UUID) -> datetime:
    """Return the moment a UUID v7 carries, in UTC, to the millisecond."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, tz=UTC)


def trace_id(incoming: str | None = None) -> str:
    """Return a W3C traceparent, continuing the caller's trace when it sent a valid one.

    The trace is kept and the span is ours (https://www.w3.org/TR/trace-context/).
    """
    match = _TRACEPARENT.fullmatch((incoming or "").strip().lower())
    fresh = secrets.token_hex(24)
    return f"00-{match.group(1) if match else fresh[16:]}-{fresh[:16]}-01"


def new_secret() -> str:
    """Return 256 random bits for a key, safe in a URL or a header."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, as 64 hex digits."""
    return sha256(text.encode()).hexdigest()
