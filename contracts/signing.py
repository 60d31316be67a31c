"""The platform's hand under a contract: HMAC-SHA256 by key id (RFC 2104).

The first key of ``CONTRACT_KEYS`` signs; the others are believed until they are taken out. Keys
come from the environment or a file, never from a row.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.conf import settings

from awooop.errors import Code, Corrupt
from awooop.kit import canonical, keyring


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
    try:
        return keyring.read(settings.CONTRACT_KEYS, secret=settings.SECRET_KEY, purpose="contracts")
    except ValueError:
        raise Corrupt(Code.CONTRACT_KEY_UNFIT) from None
