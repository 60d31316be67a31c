"""One spelling for each JSON value, so that equal values have equal hashes (RFC 8785)."""

import json
from hashlib import sha256
from typing import Any

import rfc8785

_SAFE = 2**53 - 1  # integers beyond are refused: RFC 8785 section 3.2.2.3
_spell = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class NotCanonical(ValueError):
    """The value has no canonical JSON: a number out of range, a lone surrogate, a foreign type."""


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    :raises NotCanonical: integers beyond 2**53, infinities, lone surrogates, other types.
    """
    try:
        if _is_plain(value):
            return _spell(value).encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as reason:
        raise NotCanonical(str(reason) or "nested too deeply") from None


def _is_plain(value: Any) -> bool:
    """Tell whether Python's own encoder, which is in C, spells a value as RFC 8785 does.

    They differ over floats, and over the order of names that are not ASCII.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_SAFE <= value <= _SAFE)
    if kind is dict:
        for name, each in value.items():
            if type(name) is not str or not name.isascii() or not _is_plain(each):
                return False
        return True
    return kind is list and all(map(_is_plain, value))


def sha256_of(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as 64 hex digits.

    :raises NotCanonical: see :func:`canonical`.
    """
    return sha256(canonical(value)).hexdigest()


def sha256_of_bytes(spelled: bytes) -> str:
    """Return the SHA-256 of bytes that are canonical already, as 64 hex digits."""
    return sha256(spelled).hexdigest()


def revived(value: Any) -> Any:
    """Return a JSON value as it was before jsonb kept it.

    There 1e16 becomes 10000000000000000, which as an integer would have no canonical form.
    """
    match value:
        case bool():
            return value
        case int() if not -_SAFE <= value <= _SAFE:
            return float(value)
        case dict():
            return {name: revived(each) for name, each in value.items()}
        case list():
            return [revived(each) for each in value]
    return value
