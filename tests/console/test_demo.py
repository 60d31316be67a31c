"""The demo's tenants and their servers, as a newcomer finds them."""

import asyncio
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import uvicorn
from django.utils import timezone

from awooop.console import demo
from awooop.console.demo_server import app, cluster, tools
from awooop.errors import Code
from awooop.kit.db import tenant_tx
from contracts import lifecycle, queries
from contracts.models import ContractRevision, Family
from gateway import calls, registry
from gateway.models import Standing, Status, Tool
from gateway.shapes import Call


@pytest.fixture(scope="module")
def servers():
    """The demo's servers in a thread, on a port of their own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app.Demo(), log_level="error", lifespan="on"))
        run = server.serve([listening])
        thread = threading.Thread(target=asyncio.run, args=(run,), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)


def active(project_id, family=Family.MCP_GATEWAY):
    with tenant_tx(project_id):
        return ContractRevision.objects.get(contract_family=family, lifecycle_status="active")


def call(tool, **arguments):
    return calls.call_tool(
        Call(
            project_id="awoooi",
            home_id="awoooi",
            agent_id="sre-agent",
            tool=tool,
            arguments=arguments,
            actor="key:demo",
        )
    )


class TestSeed:
    def test_lets_one_call_pass_and_one_be_blocked_within_a_minute(self, clean, servers):
        demo.seed(upstream=servers)
        for project_id, (_, part) in demo.PROJECTS.items():
            told = registry.refresh(project_id, part.gateway_id, actor="t", at=timezone.now())
            assert (told.error, told.faults) == (None, ())
            names = {each["name"] for each in part.tools}
            assert set(told.released) == names - {tools.WAITING}
        looked = call("get_pods__cluster")
        blocked = call("restart_deployment__cluster", name="shop-web")
        waiting = call("get_cluster_events__cluster")
        assert (looked.status, looked.structured["pods"][0]["restarts"]) == (Status.SUCCESS, 0)
        assert (blocked.code, waiting.code) == (Code.GATE_SHADOW, Code.GATE_PIN)
        with tenant_tx("awoooi"):
            found = Tool.objects.get(tool_name=tools.WAITING)
            assert (found.standing, found.warnings) == (Standing.QUARANTINED, [])


class TestSettle:
    def test_follows_the_servers_to_another_port_and_keeps_what_people_changed(self, clean):
        demo.settle("http://127.0.0.1:1001")
        first = active("awoooi")
        demo.settle("http://127.0.0.1:1001")
        assert active("awoooi").revision_id == first.revision_id
        body = {**first.body, "timeout_seconds": 7}
        with tenant_tx("awoooi"):
            lifecycle.install(
                "awoooi", Family.MCP_GATEWAY, "cluster", body, actor="t", at=timezone.now()
            )
        demo.settle("http://127.0.0.1:1002")
        moved = active("awoooi").body
        assert urlsplit(moved["transport"]["url"]).netloc == "127.0.0.1:1002"
        assert moved["timeout_seconds"] == 7

    def test_leaves_a_server_alone_that_is_not_the_demos(self, clean):
        demo.settle("http://127.0.0.1:1001")
        body = {**active("awoooi").body}
        body["transport"] = {"kind": "streamable_http", "url": "https://mcp.example.com/mcp"}
        with tenant_tx("awoooi"):
            lifecycle.install(
                "awoooi", Family.MCP_GATEWAY, "cluster", body, actor="t", at=timezone.now()
            )
        demo.settle("http://127.0.0.1:1002")
        assert active("awoooi").body == body

    def test_gives_servers_to_tenants_seeded_without(self, clean):
        demo.settle(None)
        assert "transport" not in active("ewoooc").body
        demo.settle("http://127.0.0.1:1001")
        assert active("ewoooc").body["transport"]["url"] == "http://127.0.0.1:1001/shop/mcp"
        queries.forget()
        assert ("policy", "default") in queries.of_project("ewoooc")


class TestCluster:
    def test_shows_what_was_done_to_it(self):
        made = cluster.new()
        before = made.get_pods()["pods"]
        made.restart_deployment("shop-web")
        made.scale_deployment("shop-api", 1)
        after = made.get_pods()["pods"]
        assert {pod["restarts"] for pod in after if pod["deployment"] == "shop-web"} == {1}
        assert len(after) == len(before) - 1
        reasons = [event["reason"] for event in made.get_cluster_events()["events"]]
        assert reasons == ["Restarted", "Scaled"]

    def test_knows_no_other_deployment(self):
        with pytest.raises(cluster.Unknown, match="shop-web"):
            cluster.new().restart_deployment("nothing")
