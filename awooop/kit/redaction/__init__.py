"""Redaction: what is secret or personal in a value, replaced by tags that keep it readable."""

from collections.abc import Mapping
from typing import Any, TypeVar

from awooop.kit.redaction import policy as policies
from awooop.kit.redaction import walk
from awooop.kit.redaction.keeping import excerpt, identity
from awooop.kit.redaction.policy import Policy, PolicyRefused
from awooop.kit.redaction.tags import set_key

__all__ = ["Policy", "PolicyRefused", "excerpt", "identity", "redact", "set_key"]

T = TypeVar("T")


def redact(value: T, policy: Policy | Mapping[str, Any] | None = None) -> T:
    """Return ``value`` with each secret replaced by ``[secret:<class>:<tag>]``.

    A text stays a text (and JSON stays JSON), a dict or list keeps its shape, other objects become
    their redacted ``repr``. Equal secrets get equal tags; redacting twice is redacting once. Takes
    linear time and never raises for a value; what is too deep or too large is hidden whole.

    :param policy: what a project adds; it cannot take anything away.
    :raises PolicyRefused: the policy itself is unknown or unsafe.
    """
    cleaned: T = walk.redacted(value, policies.of(policy))
    return cleaned
