"""Signed checkpoints: what a chain was at a moment, so that a cut or rewritten one shows."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from awooop.audit import signatures
from awooop.audit.chain import GENESIS, microseconds
from awooop.audit.signatures import Trusted
from awooop.kit import canonical


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signature over a chain up to ``seq``. ``number`` counts from 1 without a gap."""

    project_id: str
    number: int
    seq: int
    hash: str
    previous: str
    at: datetime
    key_id: str
    signature: str

    def digest(self) -> str:
        """Return what the next checkpoint names as ``previous``."""
        return sha256(self._signed() + self.signature.encode()).hexdigest()

    def is_signed(self, keys: Trusted) -> bool:
        """Tell whether a believed key signed exactly this."""
        return signatures.holds(self._signed(), self.key_id, self.signature, keys)

    def _signed(self) -> bytes:
        return spelled(
            self.project_id, self.number, self.seq, self.hash, self.previous, self.at, self.key_id
        )


def spelled(
    project_id: str, number: int, seq: int, hash: str, previous: str, at: datetime, key_id: str
) -> bytes:
    """Return the bytes that are signed: canonical JSON (RFC 8785) of all but the signature."""
    return canonical.canonical(
        {
            "project_id": project_id,
            "number": number,
            "seq": seq,
            "hash": hash,
            "previous": previous,
            "at_us": microseconds(at),
            "key_id": key_id,
        }
    )


def signed(
    project_id: str, before: Checkpoint | None, *, seq: int, hash: str, at: datetime
) -> Checkpoint:
    """Return the checkpoint that follows ``before``.

    :raises Corrupt: the signing key cannot be used.
    """
    number = before.number + 1 if before else 1
    previous = before.digest() if before else GENESIS
    signer_id = signatures.key_id(signatures.signer().public_key())
    content = spelled(project_id, number, seq, hash, previous, at, signer_id)
    _, signature = signatures.sign(content)
    return Checkpoint(project_id, number, seq, hash, previous, at, signer_id, signature)
