"""What the gateway's tests share: an MCP server that behaves, and a log of what it was asked."""

import copy
from collections.abc import Iterator

import pytest

from awooop.tenants.modes import Mode
from tests import tables
from tests.conftest import NewTenant
from tests.gateway import governed
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


@pytest.fixture
def shop(new_tenant: NewTenant, upstream: good.Upstream) -> governed.Governed:
    """An active project that may call the upstream's tools; ``echo`` reads, ``write`` writes."""
    upstream.tool("write", lambda arguments: "written")

    def make() -> governed.Governed:
        tenant = new_tenant("shop", Mode.SHADOW)
        made = governed.Governed("shop", tenant.agent_id, upstream.url)
        for name in ("echo", "slow", "fail"):
            made.offer(name, upstream.tools[name].definition)
        made.offer("write", upstream.tools["write"].definition, is_destructive=True, scope="write")
        made.sign()
        made.go(Mode.ACTIVE)
        return made

    made = copy.deepcopy(tables.cast("shop", ("shop", upstream.url), make))
    governed.listed_now("shop")
    return made
