"""Names that stand for people: the same for the same person, and telling nobody who it is."""

import hmac
from functools import lru_cache

from django.conf import settings

from awooop.kit import derive


def of(value: str) -> str:
    """Return the pseudonym of a value that identifies someone, such as an address or a chat id."""
    return "hmac:" + hmac.digest(_key(settings.REDACTION_KEY), value.encode(), "sha256")[:16].hex()


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return derive.key(secret, "pseudonyms")
