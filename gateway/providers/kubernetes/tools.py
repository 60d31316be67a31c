"""The definitions of the cluster's tools."""

from typing import Any

from gateway.providers.kubernetes.kinds import KINDS, PATCHED, ROLLED, SCALED
from gateway.providers.toolbox import Toolbox, definition

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN = {"type": "string", "maxLength": 253, "pattern": rf"^{_LABEL}(?:\.{_LABEL})*$"}

NAMESPACE = {
    "type": "string",
    "maxLength": 63,
    "pattern": rf"^{_LABEL}$",
    "description": "One of the namespaces that the gateway's contract names.",
}
NAME = {**_SUBDOMAIN, "description": "The object's name."}
CONTAINER = {
    "type": "string",
    "maxLength": 63,
    "pattern": rf"^{_LABEL}$",
    "description": "A container of the pod; needed when it has several.",
}
LABELS = {
    "type": "string",
    "minLength": 1,
    "maxLength": 500,
    "pattern": r"^[A-Za-z0-9_./=!,() -]+$",
    "description": "A label selector such as app=shop,tier!=cache.",
}
CONTINUE = {
    "type": "string",
    "minLength": 1,
    "maxLength": 4096,
    "pattern": r"^[A-Za-z0-9_.=-]+$",
    "description": "What the page before named as continue.",
}


def _kind(names: Any) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(names), "description": "The kind of object."}


def _whole(least: int, most: int, default: int | None, what: str) -> dict[str, Any]:
    bounds = {"type": "integer", "minimum": least, "maximum": most, "description": what}
    return bounds if default is None else {**bounds, "default": default}


TOOLBOX = Toolbox(
    "awooop-kubernetes",
    (
        definition(
            "k8s_get",
            "Read an object",
            "Return one object as the API server keeps it, without its managed fields.",
            {"namespace": NAMESPACE, "kind": _kind(KINDS), "name": NAME},
            reads=True,
        ),
        definition(
            "k8s_list",
            "List objects",
            "List a namespace's objects of one kind, a page at a time, with their state in brief.",
            {
                "namespace": NAMESPACE,
                "kind": _kind(KINDS),
                "labels": LABELS,
                "limit": _whole(1, 500, 100, "The longest page."),
                "continue": CONTINUE,
            },
            optional=("labels", "limit", "continue"),
            reads=True,
        ),
        definition(
            "k8s_logs",
            "Read a pod's log",
            "Return the last lines that a container wrote; the oldest are cut when they are many.",
            {
                "namespace": NAMESPACE,
                "pod": {**NAME, "description": "The pod's name."},
                "container": CONTAINER,
                "tail": _whole(1, 5_000, 200, "How many lines, counted from the end."),
                "max_bytes": _whole(1_024, 524_288, 65_536, "The most bytes, from the end."),
                "since_seconds": _whole(1, 604_800, None, "Only lines younger than this."),
                "previous": {
                    "type": "boolean",
                    "default": False,
                    "description": "Of the container that ran before the present one.",
                },
            },
            optional=("container", "tail", "max_bytes", "since_seconds", "previous"),
            reads=True,
        ),
        definition(
            "k8s_events",
            "Read events",
            "Return a namespace's events, the youngest first; of one object when it is named.",
            {
                "namespace": NAMESPACE,
                "kind": _kind(KINDS),
                "name": NAME,
                "limit": _whole(1, 200, 50, "The most events."),
            },
            optional=("kind", "name", "limit"),
            reads=True,
        ),
        definition(
            "k8s_rollout_status",
            "See how far a rollout is",
            "Tell whether every replica runs what the object asks for, or what is awaited.",
            {"namespace": NAMESPACE, "kind": _kind(ROLLED), "name": NAME},
            reads=True,
        ),
        definition(
            "k8s_rollout_restart",
            "Restart a rollout",
            "Replace every pod of the object, as its update strategy says. "
            "It sets the annotation that kubectl sets.",
            {"namespace": NAMESPACE, "kind": _kind(ROLLED), "name": NAME},
        ),
        definition(
            "k8s_scale",
            "Scale",
            "Set how many replicas the object shall have.",
            {
                "namespace": NAMESPACE,
                "kind": _kind(SCALED),
                "name": NAME,
                "replicas": _whole(0, 1_000, None, "How many."),
            },
            idempotent=True,
        ),
        definition(
            "k8s_patch",
            "Patch an object",
            "Change labels, annotations, spec or data of one object. Fields that give a pod rights "
            "over its node or over the cluster are refused, and so are patch directives.",
            {
                "namespace": NAMESPACE,
                "kind": _kind(PATCHED),
                "name": NAME,
                "type": {
                    "type": "string",
                    "enum": ["merge", "strategic"],
                    "default": "strategic",
                    "description": "How lists are treated: replaced, or merged by their keys.",
                },
                "patch": {
                    "type": "object",
                    "minProperties": 1,
                    "description": "The part of the object that changes.",
                },
            },
            optional=("type",),
            idempotent=True,
        ),
    ),
)
