"""What is pinned of a tool: all that a model may come to read of it."""

from collections.abc import Mapping
from typing import Any

from awooop.kit import canonical


def of(definition: Mapping[str, Any], instructions: str) -> str:
    """Return the SHA-256 of a tool's whole definition and its server's instructions.

    :raises NotCanonical: the definition holds what JSON cannot spell in one way.
    """
    return canonical.sha256_of({"tool": definition, "instructions": instructions})
