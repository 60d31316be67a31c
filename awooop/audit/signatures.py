"""Who signs a checkpoint, and whose signatures are believed (Ed25519, RFC 8032).

A key is known by the first 16 hex digits of the SHA-256 of its public half. The newest key signs;
the ones before it stay in ``AUDIT_VERIFY_KEYS`` for as long as their checkpoints must be believed.
All is spelled in hex, which redaction knows for no secret: checkpoints can be read in logs.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from awooop.errors import Code, Corrupt
from awooop.kit import derive

Trusted = Mapping[str, Ed25519PublicKey]


def signer() -> Ed25519PrivateKey:
    """Return the key that signs now: ``AUDIT_SIGNING_KEY``, or one derived from ``SECRET_KEY``.

    :raises Corrupt: the setting is no key.
    """
    spelled = settings.AUDIT_SIGNING_KEY
    seed = _bytes(spelled) if spelled else derive.key(settings.SECRET_KEY, "audit checkpoints")
    return Ed25519PrivateKey.from_private_bytes(seed)


def trusted(more: Iterable[str] = ()) -> Trusted:
    """Return the believed keys by id: the present one, those of before, and ``more``.

    :param more: public keys in hex.
    :raises Corrupt: one of them is no key.
    """
    spelled = (*settings.AUDIT_VERIFY_KEYS, *more)
    keys = [signer().public_key()]
    keys += [Ed25519PublicKey.from_public_bytes(_bytes(each)) for each in spelled]
    return {key_id(key): key for key in keys}


def key_id(key: Ed25519PublicKey) -> str:
    """Return what a key is known by."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def public(key: Ed25519PublicKey) -> str:
    """Return a public key as settings and auditors write it."""
    return key.public_bytes_raw().hex()


def sign(content: bytes) -> tuple[str, str]:
    """Return the id of the signing key, and its signature in hex.

    :raises Corrupt: the setting is no key.
    """
    key = signer()
    return key_id(key.public_key()), key.sign(content).hex()


def holds(content: bytes, signer_id: str, signature: str, keys: Trusted) -> bool:
    """Tell whether a believed key made this signature."""
    key = keys.get(signer_id)
    if key is None:
        return False
    try:
        raw = bytes.fromhex(signature)
        key.verify(raw, content)
    except (InvalidSignature, ValueError):
        return False
    return raw.hex() == signature  # capitals and blanks would mean the same


def _bytes(spelled: str) -> bytes:
    try:
        found = bytes.fromhex(spelled)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise Corrupt(Code.AUDIT_KEY_UNFIT)
    return found
