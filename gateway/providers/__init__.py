"""What stands behind the gateway: MCP servers, clusters, hosts, all under one Protocol."""

from collections.abc import Callable
from importlib import import_module

from gateway.providers.base import Provider, Target

_BUILT_IN = {"kubernetes": "Kubernetes", "ssh": "Ssh"}


def make(target: Target, list_changed: Callable[[], None] = lambda: None) -> Provider:
    """Return what reaches a target, by its transport's kind; nothing is connected yet.

    :param list_changed: told when a server says that its tools changed.
    """
    kind = target.transport["kind"]
    if kind in _BUILT_IN:
        made: Provider = getattr(import_module(f"gateway.providers.{kind}"), _BUILT_IN[kind])(
            target
        )
        return made
    mcp = import_module("gateway.providers.mcp")  # the SDK takes a while: only who calls pays
    return mcp.Mcp(target, list_changed)  # type: ignore[no-any-return]
