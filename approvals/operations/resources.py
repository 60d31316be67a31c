"""Is there such a thing in the cluster? Asked before people are: they decide about a fact."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from approvals.operations import metrics, readings
from approvals.operations.actions import Action
from awooop.errors import Unavailable

_NAMED = ("k8s_rollout_restart", "k8s_scale", "k8s_patch", "k8s_rollout_status", "k8s_get")
_MOST_SUGGESTED = 5
_LIKE = 0.5
# A pod of a deployment: its name, a replica set's hash, its own five letters (no vowels, no 0 1 3).
_OF_DEPLOYMENT = re.compile(
    r"(?P<name>.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}"
)
_OF_SET = re.compile(r"(?P<name>.+)-(?:[0-9]+|[bcdfghjklmnpqrstvwxz2456789]{5})")
_OWNERS = {"Deployment": _OF_DEPLOYMENT, "StatefulSet": _OF_SET, "DaemonSet": _OF_SET}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a name.

    :param result: ``hit``, ``suggestion``, ``miss``, ``error``; ``none`` where nothing is named.
    :param name: of what was found.
    """

    result: str
    asked: str = ""
    name: str = ""
    suggestions: tuple[str, ...] = ()
    why: str = ""

    def kept(self) -> dict[str, Any]:
        """Return it as the operation log keeps it."""
        told = {"result": self.result, "asked": self.asked, "name": self.name, "why": self.why}
        return {**told, "suggestions": list(self.suggestions)}


def resolve(
    project_id: str, agent_id: str, gateway_id: str, action: Action, *, actor: str
) -> tuple[Action, Resolution]:
    """Look for what an action names; a pod's name stands for the rollout that owns it.

    Opens its own transactions. It stops nothing: who decides sees what was found.

    :returns: the action, with the name that was found in place of the one that was asked for.
    """
    if action.provider != "kubernetes" or action.tool not in _NAMED:
        return action, Resolution("none")
    arguments = action.arguments
    try:
        found = _look(project_id, agent_id, gateway_id, arguments, actor)
    except Unavailable as reason:
        found = Resolution("error", arguments["name"], why=reason.detail)
    metrics.RESOLVED.labels(found.result).inc()
    if found.result == "hit" and found.name != arguments["name"]:
        return replace(action, arguments={**arguments, "name": found.name}), found
    return action, found


def normalised(kind: str, name: str) -> str | None:
    """Return the name of the rollout that a pod's name speaks of, or None when it does not."""
    owner = _OWNERS.get(kind)
    match = owner.fullmatch(name) if owner else None
    return match["name"] if match else None


def _look(
    project_id: str, agent_id: str, gateway_id: str, arguments: Mapping[str, Any], actor: str
) -> Resolution:
    asked, kind = arguments["name"], arguments["kind"]
    where = {"namespace": arguments["namespace"], "kind": kind}
    who = (project_id, agent_id, gateway_id)
    names: list[str] = []
    page: dict[str, Any] = {"limit": 500}
    for _ in range(10):
        reading = readings.take(*who, "k8s_list", {**where, **page}, actor=actor)
        if reading.is_error or reading.value is None:
            return Resolution("error", asked, why=reading.why)
        names += [str(item.get("name")) for item in reading.value.get("items", ())]
        if not reading.value.get("continue"):
            break
        page["continue"] = reading.value["continue"]
    if asked in names:
        return Resolution("hit", asked, asked)
    owner = normalised(kind, asked)
    if owner in names:
        return Resolution("hit", asked, str(owner), why="the rollout that owns this pod")
    near = difflib.get_close_matches(owner or asked, names, n=_MOST_SUGGESTED, cutoff=_LIKE)
    return Resolution("suggestion" if near else "miss", asked, suggestions=tuple(near))
