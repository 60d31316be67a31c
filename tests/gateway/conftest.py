"""What the gateway's tests share: an MCP server that behaves, and a log of what it was asked."""

from collections.abc import Iterator

import pytest

from tests.gateway.upstreams import good


@pytest.fixture(scope="module")
def _served() -> Iterator[good.Upstream]:
    with good.serving() as upstream:
        yield upstream


@pytest.fixture
def upstream(_served: good.Upstream) -> good.Upstream:
    """A real MCP server with the tools echo, slow and fail; see :class:`good.Upstream`."""
    fresh = good.Upstream()
    _served.calls.clear()
    _served.tools = fresh.tools
    _served.listings = 0
    return _served
