"""The built-in providers behind the hub: made by their kind, ready before a permit, cut in time."""

import time

import pytest

from awooop.errors import Code
from gateway import hub
from gateway.providers.base import Failed, Permit, Secret, Target
from tests.peers import kubernetes_api, ssh_server
from tests.peers.ssh_server import Said


@pytest.fixture(scope="module")
def host():
    with ssh_server.serving() as served:
        yield served


@pytest.fixture(scope="module")
def cluster():
    with kubernetes_api.serving() as served:
        served.fill()
        yield served


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    hub.the().forget()


def target(transport, key=None):
    return Target(
        project_id="acme",
        gateway_id=transport["kind"],
        body_hash="0" * 64,
        transport=transport,
        private_addresses=("127.0.0.0/8",),
        credential=key and Secret(key, version="1"),
    )


def call(where, tool, arguments, within=5.0):
    permit = Permit(time.monotonic() + 0.25)
    return hub.the().call(where, tool, arguments, permit=permit, within=within).result(10)


def test_a_host_answers_through_the_hub(host):
    where = target({"kind": "ssh", "hosts": [host.contract()]}, host.client_key)
    assert len(hub.the().tools(where, 5).result(10).tools) == 8
    hub.the().ready(where, "ssh_reload_nginx", {"host": "web"}, within=5).result(10)
    assert not call(where, "ssh_diagnose", {"host": "web", "check": "uptime"}).is_error
    host.said["restart"] = Said(then="hang")
    with pytest.raises(Failed) as failed:
        call(where, "ssh_reload_nginx", {"host": "web;id"})
    assert (failed.value.code, failed.value.sent) == (Code.GATE_ARGUMENTS, False)
    with pytest.raises(Failed) as failed:
        call(where, "ssh_docker_restart", {"host": "web", "container": "web"}, within=0.3)
    assert (failed.value.code, failed.value.sent) == (Code.UPSTREAM_LATE, True)
    assert host.logins == 1
    assert len(host.lines) == 2


def test_a_cluster_answers_through_the_hub(cluster):
    transport = {"kind": "kubernetes", "namespaces": ["shop"], "api_server": cluster.url}
    where, web = target(transport), {"namespace": "shop", "kind": "Deployment", "name": "web"}
    assert len(hub.the().tools(where, 5).result(10).tools) == 8
    hub.the().ready(where, "k8s_rollout_status", web, within=5).result(10)
    assert call(where, "k8s_rollout_status", web).structured["state"] == "complete"
    assert cluster.connections == 1
    cluster.answers["/apis/apps/v1/namespaces/shop/deployments/web"] = "slow"
    with pytest.raises(Failed) as failed:
        call(where, "k8s_rollout_restart", web, within=0.3)
    assert (failed.value.code, failed.value.sent) == (Code.UPSTREAM_LATE, True)
    assert [asked.method for asked in cluster.asked] == ["GET", "GET", "PATCH"]
