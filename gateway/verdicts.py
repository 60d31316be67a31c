"""What a tool may do to the world: the strictest of everything that says something about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awooop.kit.memo import OfObject
from gateway import harm

_SCOPES = ("read", "write", "admin")
_LEAST = {"ssh_docker_prune": "admin"}  # what is gone is gone: no contract makes less of it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a call needs.

    :param why: the reason it counts as destructive, or None when it only reads.
    """

    scope: str
    why: str | None

    @property
    def only_reads(self) -> bool:
        return self.why is None and self.scope == "read"


def of(
    contract: Mapping[str, Any], definition: Mapping[str, Any] | None, arguments: Mapping[str, Any]
) -> Verdict:
    """Judge a call by its contract, its server's annotations, its name and its arguments."""
    why = _of_contract(contract)
    if why is None and definition is not None:
        why = _of_definition(definition)
    if why is None:
        why = harm.of_arguments(contract["tool_name"], dict(arguments))
    scope = contract.get("scope")
    if scope not in _SCOPES:
        scope = "admin"
    scope = max(scope, _LEAST.get(contract["tool_name"], scope), key=_SCOPES.index)
    return Verdict("write" if why and scope == "read" else scope, why)


def _declared(contract: Mapping[str, Any]) -> str | None:
    return harm.of_tool(contract["tool_name"], dict(contract))


def _hinted(definition: Mapping[str, Any]) -> str | None:
    hints = definition.get("annotations")
    return None if hints is None else harm.declared_reason({"annotations": hints})


_of_contract = OfObject(_declared, most=10_000)
_of_definition = OfObject(_hinted, most=10_000)


def covers(granted: Any, needed: str) -> bool:
    """Tell whether the scopes of a grant reach as far as a call needs."""
    ranks = [_SCOPES.index(scope) for scope in granted or () if scope in _SCOPES]
    return max(ranks, default=-1) >= _SCOPES.index(needed)
