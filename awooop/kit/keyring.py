"""Keys by id, from a setting: the first one signs, all of them are believed."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from awooop.kit import derive

_SHORTEST = 32  # characters of a key
_LONGEST_ID = 32


def read(spelled: Sequence[str], *, secret: str, purpose: str) -> Mapping[str, bytes]:
    """Return the keys that ``id:key`` texts spell; where there are none, one derived from a secret.

    :raises ValueError: one of them is no usable key.
    """
    return _read(tuple(spelled), secret, purpose)


@lru_cache(maxsize=16)
def _read(spelled: tuple[str, ...], secret: str, purpose: str) -> Mapping[str, bytes]:
    found = dict(_one(each) for each in spelled)
    return found or {"derived": derive.key(secret, purpose)}


def _one(spelled: str) -> tuple[str, bytes]:
    key_id, colon, key = spelled.strip().partition(":")
    if not (colon and 0 < len(key_id) <= _LONGEST_ID and len(key) >= _SHORTEST):
        raise ValueError("a key is spelled id:key, the key of 32 characters or more")
    return key_id, key.encode()
