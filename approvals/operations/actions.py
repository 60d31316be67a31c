"""An operator's action in words, read as one call of a tool or refused; never handed to a shell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals.operations import hosts, kubectl, words
from approvals.operations.models import Kind
from gateway.providers.base import Failed
from gateway.providers.kubernetes.tools import TOOLBOX as CLUSTER
from gateway.providers.ssh.tools import TOOLBOX as HOSTS
from gateway.providers.toolbox import Toolbox

LONGEST = 2_000
_OBSERVED = ("NO_ACTION", "NO-ACTION", "NOACTION", "OBSERVE", "INVESTIGATE", "(未設)")
_TOOLBOXES: Mapping[str, Toolbox] = {"kubernetes": CLUSTER, "ssh": HOSTS}


@dataclass(frozen=True, slots=True)
class Action:
    """What shall be done.

    :param provider: the kind of transport whose tool it is: ``kubernetes`` or ``ssh``.
    :param tool: by its provider's own name.
    """

    text: str
    kind: Kind
    provider: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def parse(text: str) -> Action:
    """Read an action: a kubectl command, a command for a host, a tool by name, or none at all.

    :raises Invalid: it is none of these, or more than one.
    """
    said = text.strip()
    if not said or len(said) > LONGEST:
        raise words.unread(
            "it says nothing" if not said else f"it is longer than {LONGEST} characters"
        )
    if is_observation(said):
        return Action(said, Kind.OBSERVE)
    asked = words.split(said)
    first = asked[0]
    if first == "kubectl":
        tool, arguments = kubectl.read(asked[1:])
    elif "_" in first and "=" not in first:
        tool, arguments = first, _named(first, asked[1:])
    else:
        tool, arguments = hosts.read(asked)
    return made(said, tool, arguments)


def made(text: str, tool: str, arguments: Mapping[str, Any]) -> Action:
    """Return an action that its tool's own schema accepts.

    :raises Invalid: it does not, or no such tool is offered.
    """
    provider = "ssh" if tool.startswith("ssh_") else "kubernetes"
    try:
        _TOOLBOXES[provider].judge(tool, arguments)
    except Failed as reason:
        raise words.unread(f"{tool}: {reason.detail}") from None
    return Action(text, Kind.CALL, provider, tool, dict(arguments))


def is_observation(text: str) -> bool:
    """Tell whether an action says that nothing shall be touched: it begins with saying so."""
    said = text.strip().upper()
    return any(
        said.startswith(word) and not said[len(word) : len(word) + 1].isalnum()
        for word in _OBSERVED
    )


def _named(tool: str, said: list[str]) -> dict[str, Any]:
    """Return the arguments of ``tool name=value …``, numbers where the tool's schema has them."""
    listed = (each for box in _TOOLBOXES.values() for each in box.listing.tools)
    known = next((each for each in listed if each["name"] == tool), None)
    if known is None:
        raise words.unread(f"no tool {tool[:60]} is offered")
    types = known["inputSchema"]["properties"]
    found: dict[str, Any] = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals or name not in types or name in found:
            raise words.unread(f"{tool} takes no {word[:60]}")
        found[name] = words.typed(value, types[name])
    return found
