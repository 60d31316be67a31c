"""The tools that change something: each is one patch, sent once."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from lightkube.types import PatchType

from gateway.providers.base import Answer
from gateway.providers.kubernetes import patches
from gateway.providers.kubernetes.asking import Asking
from gateway.providers.kubernetes.kinds import KINDS
from gateway.providers.toolbox import told, unfit

_RESTARTED = "kubectl.kubernetes.io/restartedAt"  # kubectl's own: its history shows ours too
_TYPES = {"merge": PatchType.MERGE, "strategic": PatchType.STRATEGIC}


def rollout_restart(args: Mapping[str, Any]) -> Asking:
    """Return the patch that has every pod replaced."""
    moment = timezone.now().isoformat(timespec="seconds")
    template = {"metadata": {"annotations": {_RESTARTED: moment}}}
    return _patch(args, {"spec": {"template": template}}, PatchType.STRATEGIC, "restarted")


def scale(args: Mapping[str, Any]) -> Asking:
    """Return the patch of how many replicas there shall be."""
    replicas = int(args["replicas"])
    done = f"scaled to {replicas}"
    return _patch(args, {"spec": {"replicas": replicas}}, PatchType.MERGE, done, action="scale")


def patch(args: Mapping[str, Any]) -> Asking:
    """Return the patch as asked.

    :raises Failed: it holds what may not be patched.
    """
    if found := patches.faults(args["patch"]):
        raise unfit("; ".join(found))
    return _patch(args, args["patch"], _TYPES[args.get("type", "strategic")], "patched")


def _patch(
    args: Mapping[str, Any], body: Mapping[str, Any], media: PatchType, done: str, action: str = ""
) -> Asking:
    what = f"{args['kind']} {args['namespace']}/{args['name']}"

    def read(answered: bytes) -> Answer:
        metadata = json.loads(answered)["metadata"]
        facts = {name: metadata.get(name) for name in ("name", "generation", "resourceVersion")}
        return told(f"{what}: {done}", {**facts, "done": done})

    return Asking(
        method="PATCH",
        path=KINDS[args["kind"]].path(args["namespace"], args["name"], action),
        what=what,
        params={"fieldManager": "awooop", "fieldValidation": "Strict"},
        body=json.dumps(body).encode(),
        media=media.value,
        read=read,
    )
