"""Asking servers for their tools: all that is slow about a refresh, and none of its writing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contracts.queries import Active
from gateway import credentials, hub
from gateway.providers.base import Failed, Listing, Target

WITHIN = 10.0  # seconds a server may take to list its tools
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask: the server behind a gateway contract."""

    project_id: str
    gateway_id: str
    gateway: Active


def ask(asked: Asked, within: float = WITHIN) -> Listing | Failed:
    """Return what a server lists, or why it cannot be had."""
    body = asked.gateway.body
    try:
        credential, secrets = credentials.for_target(body, project_id=asked.project_id)
        target = Target(
            project_id=asked.project_id,
            gateway_id=asked.gateway_id,
            body_hash=asked.gateway.body_hash,
            transport=body["transport"],
            private_addresses=tuple(body.get("private_addresses", ())),
            concurrent=body.get("concurrent_calls", 10),
            credential=credential,
            secrets=secrets,
        )
        return hub.the().tools(target, min(within, body.get("timeout_seconds", 30)))
    except Failed as reason:
        return reason


def ask_all(every: Sequence[Asked], within: float = WITHIN) -> list[Listing | Failed]:
    """Ask several servers at once, so that one that hangs costs the others nothing."""
    if not every:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(every)), "registry") as threads:
        return list(threads.map(lambda asked: ask(asked, within), every))
