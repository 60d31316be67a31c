"""A cluster, as a provider of tools."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from awooop.errors import Code
from gateway.providers.base import (
    MOST_BYTES,
    Answer,
    Failed,
    Listener,
    Listing,
    Permit,
    Progress,
    Target,
)
from gateway.providers.kubernetes import reads, writes
from gateway.providers.kubernetes.asking import Asking
from gateway.providers.kubernetes.tools import TOOLBOX
from gateway.providers.kubernetes.wire import Reply, Wire
from gateway.providers.toolbox import named, told, unfit

_ASKINGS: Mapping[str, Callable[[Mapping[str, Any]], Asking]] = {
    "k8s_get": reads.get,
    "k8s_list": reads.page,
    "k8s_logs": reads.logs,
    "k8s_events": reads.events,
    "k8s_rollout_status": reads.rollout_status,
    "k8s_rollout_restart": writes.rollout_restart,
    "k8s_scale": writes.scale,
    "k8s_patch": writes.patch,
}
_REFUSED = {
    401: "the cluster does not accept the credential (unauthorized)",
    403: "forbidden",
    404: "not found",
    409: "conflict",
    410: "that page is gone; list again from the start",
    422: "invalid",
    429: "too many requests",
}
_NOT_THE_API = (
    *(msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError, RecursionError),
)
_LARGEST = MOST_BYTES // 4  # of text: it is quoted in JSON, and an object stands there twice
_LONGEST = 500


class Kubernetes:
    """One cluster, its namespaces those of the contract, with the contract's credential.

    Its API server is reached at a public address, or at a private one that the contract names in
    ``private_addresses``. Nothing is read from the environment or a kubeconfig, no proxy is asked.
    """

    def __init__(self, target: Target, *, patience: float = 300.0) -> None:
        self._namespaces = tuple(target.transport["namespaces"])
        self._wire = Wire(target, patience=patience)

    async def tools(self) -> Listing:
        return TOOLBOX.listing

    async def ready(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Connect to the API server: a first connection may outlive a permit.

        :raises Failed: the arguments do not fit, or the server cannot be reached; the tool's own
            request was not sent.
        """
        self._asking(tool, arguments)
        await self._wire.warm()

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        permit: Permit,
        progress: Progress | None,
        listener: Listener | None = None,
    ) -> Answer:
        """Ask the API server once.

        :raises Failed: the arguments do not fit (nothing is sent then), or no usable answer came.
        """
        asking = self._asking(tool, arguments)
        return _judged(asking, await self._wire.ask(asking, permit))

    async def close(self) -> None:
        await self._wire.close()

    def _asking(self, tool: str, arguments: Mapping[str, Any]) -> Asking:
        TOOLBOX.judge(tool, arguments)
        if arguments["namespace"] not in self._namespaces:
            raise unfit(f"the contract names the namespaces {named(self._namespaces)}")
        return _ASKINGS[tool](arguments)


def _judged(asking: Asking, reply: Reply) -> Answer:
    if 200 <= reply.status < 300:
        try:
            answer = asking.read(reply.body)
        except _NOT_THE_API:
            detail = "the answer is not the Kubernetes API's"
            raise Failed(Code.UPSTREAM_BROKEN, detail, sent=True) from None
        if sum(len(block["text"].encode()) for block in answer.content) > _LARGEST:
            raise Failed(Code.UPSTREAM_TOO_LARGE, sent=True)
        return answer
    if 400 <= reply.status < 500:
        why = _REFUSED.get(reply.status, f"refused with {reply.status}")
        return told(f"{asking.what}: {why}{_said(reply.body)}", is_error=True)
    if reply.status >= 500:
        code = Code.UPSTREAM_LATE if reply.status == 504 else Code.UPSTREAM_AWAY
        raise Failed(code, f"the cluster answered {reply.status}", sent=True)
    raise Failed(Code.UPSTREAM_BROKEN, f"the cluster answered {reply.status}", sent=True)


def _said(body: bytes) -> str:
    """Return the message of the API's own words for a refusal."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return f": {message[:_LONGEST]}" if isinstance(message, str) else ""
