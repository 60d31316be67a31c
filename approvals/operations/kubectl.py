"""The kubectl commands that are understood: a closed table of verbs, and of each one's flags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals.operations.words import document, unread

Read = tuple[str, dict[str, Any]]

_SHORT = {
    "cm": "ConfigMap",
    "cj": "CronJob",
    "ds": "DaemonSet",
    "deploy": "Deployment",
    "ep": "Endpoints",
    "endpoint": "Endpoints",
    "hpa": "HorizontalPodAutoscaler",
    "ing": "Ingress",
    "ingresses": "Ingress",
    "limits": "LimitRange",
    "po": "Pod",
    "netpol": "NetworkPolicy",
    "networkpolicies": "NetworkPolicy",
    "rs": "ReplicaSet",
    "pvc": "PersistentVolumeClaim",
    "pdb": "PodDisruptionBudget",
    "quota": "ResourceQuota",
    "svc": "Service",
    "sts": "StatefulSet",
}
_LONG = (
    *("ConfigMap", "CronJob", "DaemonSet", "Deployment", "Endpoints", "HorizontalPodAutoscaler"),
    *("Ingress", "Job", "LimitRange", "NetworkPolicy", "PersistentVolumeClaim", "Pod"),
    *("PodDisruptionBudget", "ReplicaSet", "ResourceQuota", "Service", "StatefulSet"),
)
KINDS = _SHORT | {name.lower(): name for name in _LONG} | {f"{n.lower()}s": n for n in _LONG}
_UNITS = {"s": 1, "m": 60, "h": 3_600}
_SINCE = re.compile(r"([1-9][0-9]{0,5})([smh])")
_OUTPUTS = ("json", "yaml", "wide", "name")

_NAMESPACE = {"-n": "namespace", "--namespace": "namespace"}
_SHOWN = {"-o": "output", "--output": "output"}


@dataclass(slots=True)
class _Said:
    """The words of a command behind its verb: things, and flags by their names."""

    things: list[str] = field(default_factory=list)
    flags: dict[str, str] = field(default_factory=dict)

    def one(self) -> tuple[str, str]:
        """Return the one object that is named, as ``KIND NAME`` or ``KIND/NAME``."""
        words = [part for word in self.things for part in word.split("/")]
        if len(words) != 2 or not all(words):
            raise unread("name one object, as KIND/NAME")
        return kind(words[0]), words[1]

    def place(self) -> dict[str, Any]:
        """Return where the one object is."""
        of, name = self.one()
        return {"namespace": self.namespace, "kind": of, "name": name}

    @property
    def namespace(self) -> str:
        return self.flags.get("namespace", "default")


def read(words: list[str]) -> Read:
    """Return the tool and the arguments that a command's words behind ``kubectl`` ask for.

    :raises Invalid: the verb or a flag is not in the table.
    """
    before: list[str] = []
    while words and words[0].startswith("-"):  # kubectl takes -n before its verb too
        before, words = before + words[:2], words[2:]
    verb, rest = (words[0], words[1:]) if words else ("", [])
    if verb == "rollout" and rest:
        verb, rest = f"rollout {rest[0]}", rest[1:]
    known = _VERBS.get(verb)
    if known is None:
        raise unread(f"kubectl {verb[:40]} is not offered: {_NOT.get(verb, 'no tool does it')}")
    flags, shape = known
    return shape(_sorted(before + rest, {**_NAMESPACE, **flags}))


def kind(word: str) -> str:
    """Return the kind that a word of kubectl's stands for.

    :raises Invalid: no tool knows it.
    """
    found = KINDS.get(word.lower())
    if found is None:
        raise unread(f"no tool knows the kind {word[:60]}")
    return found


def _sorted(words: list[str], known: Mapping[str, str]) -> _Said:
    said, waiting = _Said(), list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-") or word == "-":
            said.things.append(word)
            continue
        flag, equals, value = word.partition("=")
        name = known.get(flag)
        if name is None:
            raise unread(f"the flag {flag[:40]} is not understood here")
        if name in said.flags:
            raise unread(f"{flag} stands twice")
        if name == "previous":
            value = value or "true"
        elif not equals:
            if not waiting:
                raise unread(f"{flag} needs a value")
            value = waiting.pop(0)
        said.flags[name] = value
    if said.flags.get("output", "json") not in _OUTPUTS:
        raise unread(f"the output is one of {', '.join(_OUTPUTS)}")
    return said


def _get(said: _Said) -> Read:
    if said.things and said.things[0] in ("events", "event", "ev"):
        if len(said.things) > 1 or "labels" in said.flags:
            raise unread("events are read for a whole namespace")
        return "k8s_events", {"namespace": said.namespace}
    if len(said.things) == 1 and "/" not in said.things[0]:
        listed = {"namespace": said.namespace, "kind": kind(said.things[0])}
        return "k8s_list", listed | {k: v for k, v in said.flags.items() if k == "labels"}
    if "labels" in said.flags:
        raise unread("a selector lists; it does not go with a name")
    return "k8s_get", said.place()


def _describe(said: _Said) -> Read:
    return "k8s_get", said.place()


def _logs(said: _Said) -> Read:
    words = said.things[0].split("/") if len(said.things) == 1 else []
    if not words or len(words) > 2 or (len(words) == 2 and kind(words[0]) != "Pod"):
        raise unread("name one pod")
    found: dict[str, Any] = {"namespace": said.namespace, "pod": words[-1]}
    if "container" in said.flags:
        found["container"] = said.flags["container"]
    if "tail" in said.flags:
        found["tail"] = _whole(said.flags["tail"])
    if "since" in said.flags:
        length = _SINCE.fullmatch(said.flags["since"])
        if length is None:
            raise unread("since is a length such as 30s, 10m or 2h")
        found["since_seconds"] = int(length[1]) * _UNITS[length[2]]
    if "previous" in said.flags:
        if said.flags["previous"] not in ("true", "false"):
            raise unread("previous is true or false")
        found["previous"] = said.flags["previous"] == "true"
    return "k8s_logs", found


def _status(said: _Said) -> Read:
    return "k8s_rollout_status", said.place()


def _restart(said: _Said) -> Read:
    return "k8s_rollout_restart", said.place()


def _scale(said: _Said) -> Read:
    if "replicas" not in said.flags:
        raise unread("say how many replicas")
    return "k8s_scale", said.place() | {"replicas": _whole(said.flags["replicas"])}


def _patch(said: _Said) -> Read:
    if "patch" not in said.flags:
        raise unread("say what to patch, with -p")
    how = {"type": said.flags["type"]} if "type" in said.flags else {}
    return "k8s_patch", said.place() | how | {"patch": document(said.flags["patch"])}


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise unread("a number is a whole one, and not negative")
    return int(text)


_VERBS = {
    "get": ({**_SHOWN, "-l": "labels", "--selector": "labels"}, _get),
    "describe": ({}, _describe),
    "logs": (
        {"-c": "container", "--container": "container", "--tail": "tail", "--since": "since",
         "-p": "previous", "--previous": "previous"},
        _logs,
    ),
    "rollout status": ({}, _status),
    "rollout restart": ({}, _restart),
    "scale": ({"--replicas": "replicas"}, _scale),
    "patch": ({"-p": "patch", "--patch": "patch", "--type": "type"}, _patch),
}  # fmt: skip
_NOT = {
    "top": "the cluster's tools measure nothing; get shows what is wrong with each pod",
    "delete": "restart the rollout that the pod belongs to",
    "rollout undo": "scale or patch back instead",
    "exec": "nothing is run in containers",
}
