"""Several keys from one secret: each purpose its own, none telling another (HKDF, RFC 5869)."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def key(secret: str, purpose: str) -> bytes:
    """Return 32 bytes for one purpose, always the same for the same secret."""
    return HKDF(SHA256(), length=32, salt=None, info=f"awooop {purpose}".encode()).derive(
        secret.encode()
    )
