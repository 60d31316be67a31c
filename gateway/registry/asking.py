"""Asking servers for their tools: all that is slow about a refresh, and none of its writing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contracts.queries import Active
from gateway import hub, targets
from gateway.echoes import Echoes
from gateway.providers.base import Failed, Listing
from gateway.registry import announcing

WITHIN = 10.0  # seconds a server may take to list its tools
_AT_ONCE = 16

hub.on_list_changed(announcing.hear)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask: the server behind a gateway contract."""

    project_id: str
    gateway_id: str
    gateway: Active


def ask(asked: Asked, within: float = WITHIN) -> Listing | Failed:
    """Return what a server lists, or why it cannot be had; without the credential it was shown."""
    try:
        target = targets.of_gateway(asked.project_id, asked.gateway_id, asked.gateway)
    except Failed as reason:
        return reason
    shown = Echoes(target.shown)
    try:
        allowed = asked.gateway.body.get("timeout_seconds", 30)
        return shown.listing(hub.the().tools(target, min(within, allowed)).result())
    except Failed as reason:
        return Failed(reason.code, shown.hidden(reason.detail), sent=reason.sent)


def ask_all(every: Sequence[Asked], within: float = WITHIN) -> list[Listing | Failed]:
    """Ask several servers at once, so that one that hangs costs the others nothing."""
    if not every:
        return []
    with ThreadPoolExecutor(min(_AT_ONCE, len(every)), "registry") as threads:
        return list(threads.map(lambda asked: ask(asked, within), every))
