"""The platform's hand under a contract: HMAC-SHA256 by key id (RFC 2104).

The first key of ``CONTRACT_KEYS`` signs; the others are believed until they are taken out. Keys
come from the environment or a file, never from a row.
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings

from awooop.errors import Code, Corrupt
from awooop.kit import canonical, derive

_SHORTEST = 32  # characters of a key


def sign(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the id of the signing key, and the signature in hex.

    :param content: JSON; its RFC 8785 form is signed.
    :raises Corrupt: the setting holds no usable key.
    """
    key_id, key = next(iter(_keys().items()))
    return key_id, _mac(key, content)


def holds(content: Mapping[str, Any], key_id: str | None, signature: str | None) -> bool:
    """Tell whether a key we believe made this signature.

    :raises Corrupt: the setting holds no usable key.
    """
    key = _keys().get(key_id or "")
    if key is None:
        return False
    return hmac.compare_digest(_mac(key, content), signature or "")


def _mac(key: bytes, content: Mapping[str, Any]) -> str:
    return hmac.digest(key, canonical.canonical(dict(content)), sha256).hex()


def _keys() -> Mapping[str, bytes]:
    return _read(tuple(settings.CONTRACT_KEYS), settings.SECRET_KEY)


@lru_cache(maxsize=8)
def _read(spelled: tuple[str, ...], secret: str) -> Mapping[str, bytes]:
    found = dict(_one(each) for each in spelled)
    return found or {"derived": derive.key(secret, "contracts")}


def _one(spelled: str) -> tuple[str, bytes]:
    key_id, colon, key = spelled.strip().partition(":")
    if not (colon and 0 < len(key_id) <= _SHORTEST and len(key) >= _SHORTEST):
        raise Corrupt(Code.CONTRACT_KEY_UNFIT)
    return key_id, key.encode()
