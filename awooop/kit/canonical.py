"""One spelling for each JSON value, so that equal values have equal hashes (RFC 8785)."""

from hashlib import sha256
from typing import Any

import rfc8785


class NotCanonical(ValueError):
    """The value has no canonical JSON: a number out of range, a lone surrogate, a foreign type."""


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    :raises NotCanonical: integers beyond 2**53, infinities, lone surrogates, other types.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as reason:
        raise NotCanonical(str(reason) or "nested too deeply") from None


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as 64 hex digits.

    :raises NotCanonical: see :func:`canonical`.
    """
    return sha256(canonical(value)).hexdigest()


def sha256_of_bytes(spelled: bytes) -> str:
    """Return the SHA-256 of bytes that are canonical already, as 64 hex digits."""
    return sha256(spelled).hexdigest()
