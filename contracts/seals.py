"""What exactly is signed: of a revision when it is published, of a body when a person says yes."""

from typing import Any

from awooop.kit import canonical
from contracts import signing
from contracts.models import ContractRevision, ContractSignature


def of_revision(revision: ContractRevision) -> dict[str, Any]:
    """Return what the platform signs when it publishes a revision."""
    return {
        "project_id": revision.project_id,
        "contract_family": str(revision.contract_family),
        "contract_id": revision.contract_id,
        "revision_id": str(revision.revision_id),
        "version": [revision.version_major, revision.version_minor],
        "body_hash": revision.body_hash,
        "created_by": revision.created_by,
    }


def of_signature(signature: ContractSignature) -> dict[str, Any]:
    """Return what the platform signs when a person says yes to a body."""
    return {
        "project_id": signature.project_id,
        "revision_id": str(signature.revision_id),
        "body_hash": signature.body_hash,
        "signer": signature.signer,
    }


def is_sound(revision: ContractRevision) -> bool:
    """Tell whether a published revision is, to the last byte, what was published.

    :raises Corrupt: the setting holds no usable key.
    """
    try:
        is_own = canonical.sha256_of(revision.body) == revision.body_hash
    except canonical.NotCanonical:
        return False
    return is_own and signing.holds(of_revision(revision), revision.key_id, revision.signature)


def counts(signature: ContractSignature, revision: ContractRevision) -> bool:
    """Tell whether a person's signature is genuine and under this very body.

    :raises Corrupt: the setting holds no usable key.
    """
    is_under = (signature.revision_id, signature.body_hash) == (
        revision.revision_id,
        revision.body_hash,
    )
    return is_under and signing.holds(
        of_signature(signature), signature.key_id, signature.signature
    )
