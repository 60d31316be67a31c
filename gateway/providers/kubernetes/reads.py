"""The tools that only read."""

import json
from collections.abc import Mapping
from typing import Any

from lightkube.core import decoders

from gateway.providers import base
from gateway.providers.base import Answer
from gateway.providers.kubernetes import digests, rollouts
from gateway.providers.kubernetes.asking import Asking
from gateway.providers.kubernetes.kinds import EVENTS, KINDS
from gateway.providers.toolbox import told

_MOST_EVENTS = 500  # asked for; the API sorts by name, so the youngest are picked here
_DEEPEST = 64
_NOISE = "kubectl.kubernetes.io/last-applied-configuration"
CUT = "…cut\n"


def get(args: Mapping[str, Any]) -> Asking:
    """Return the request for one object."""
    return _one(args, _read_object)


def rollout_status(args: Mapping[str, Any]) -> Asking:
    """Return the request that tells how far a rollout is."""
    model = KINDS[args["kind"]].model

    def read(body: bytes) -> Answer:
        status = rollouts.status(args["kind"], decoders.decode_object(body, model))
        return told(status["message"], status)

    return _one(args, read)


def page(args: Mapping[str, Any]) -> Asking:
    """Return the request for a page of objects in brief."""
    kind = KINDS[args["kind"]]
    params = {"limit": str(int(args.get("limit", 100)))}
    if "labels" in args:
        params["labelSelector"] = args["labels"]
    if "continue" in args:
        params["continue"] = args["continue"]

    def read(body: bytes) -> Answer:
        following, _, items = decoders.decode_list(body, kind.model)
        found: dict[str, Any] = {"items": [digests.of(each) for each in items]}
        if following:
            found["continue"] = following
        return told(_spelled(found), found)

    where = kind.path(args["namespace"])
    return Asking(path=where, what=f"{args['kind']} {args['namespace']}", params=params, read=read)


def events(args: Mapping[str, Any]) -> Asking:
    """Return the request for a namespace's or an object's youngest events."""
    chosen = {f"involvedObject.{name}": args[name] for name in ("kind", "name") if name in args}
    params = {"limit": str(_MOST_EVENTS)}
    if chosen:
        params["fieldSelector"] = ",".join(f"{name}={each}" for name, each in chosen.items())

    def read(body: bytes) -> Answer:
        following, _, items = decoders.decode_list(body, EVENTS.model)
        youngest = sorted(map(digests.event, items), key=lambda e: e["at"] or "", reverse=True)
        found: dict[str, Any] = {"events": youngest[: int(args.get("limit", 50))]}
        if following:
            found["incomplete"] = f"there are more than {_MOST_EVENTS}; name an object"
        return told(_spelled(found), found)

    where = EVENTS.path(args["namespace"])
    return Asking(path=where, what=f"events of {args['namespace']}", params=params, read=read)


def logs(args: Mapping[str, Any]) -> Asking:
    """Return the request for the end of a container's log."""
    most = int(args.get("max_bytes", 65_536))
    params = {
        "tailLines": str(int(args.get("tail", 200))),
        "limitBytes": str(base.MOST_BYTES),
    }
    if "container" in args:
        params["container"] = args["container"]
    if "since_seconds" in args:
        params["sinceSeconds"] = str(int(args["since_seconds"]))
    if args.get("previous"):
        params["previous"] = "true"

    def read(body: bytes) -> Answer:
        text = body[-most:].decode(errors="replace")
        return told((CUT if len(body) > most else "") + text)

    return Asking(
        path=KINDS["Pod"].path(args["namespace"], args["pod"], "log"),
        what=f"Pod {args['namespace']}/{args['pod']}",
        params=params,
        read=read,
    )


def _one(args: Mapping[str, Any], read: Any) -> Asking:
    where = KINDS[args["kind"]].path(args["namespace"], args["name"])
    return Asking(path=where, what=f"{args['kind']} {args['namespace']}/{args['name']}", read=read)


def _read_object(body: bytes) -> Answer:
    found = json.loads(body, parse_constant=_refuse)
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise ValueError("not an object")
    if _is_deep(found, 1):
        raise ValueError("nested too deeply")
    found["metadata"].pop("managedFields", None)
    if isinstance(notes := found["metadata"].get("annotations"), dict):
        notes.pop(_NOISE, None)
    return told(_spelled(found), found)


def _is_deep(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth > _DEEPEST or any(_is_deep(each, depth + 1) for each in inner)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
