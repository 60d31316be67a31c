"""Asking the world whether a call took effect, by a tool that only reads and the contract names."""

from collections.abc import Mapping
from typing import Any

from gateway import rules


def planned(
    contract: Mapping[str, Any], arguments: Mapping[str, Any], leaving: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what to ask should the outcome be unknown; None where nothing could be learned.

    :param leaving: the arguments as they are sent. A probe whose own arguments hold a secret is
        not planned: it would have to be kept.
    """
    probe = contract.get("probe")
    if probe is None:
        return None
    asked: dict[str, Any] = {}
    for name, pointer in probe.get("arguments", {}).items():
        value = rules.at(arguments, pointer)
        if rules.is_absent(value) or rules.at(leaving, pointer) != value:
            return None
        asked[name] = value
    return {
        "tool_name": probe["tool_name"],
        "arguments": asked,
        "executed_when": [dict(rule) for rule in probe["executed_when"]],
    }
