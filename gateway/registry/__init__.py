"""Tools as servers list them, and what was released of them; see ADR 0019."""

from gateway.registry.differences import differences, of_tool
from gateway.registry.due import ensure_listed, refresh_due
from gateway.registry.refreshing import Refreshed, refresh
from gateway.registry.releasing import release, release_all, suspend

__all__ = [
    "Refreshed",
    "differences",
    "ensure_listed",
    "of_tool",
    "refresh",
    "refresh_due",
    "release",
    "release_all",
    "suspend",
]
