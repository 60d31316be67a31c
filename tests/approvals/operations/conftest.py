"""A project with a cluster and a host behind real protocols, an agent that may use both, people."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone

from approvals import decisions
from approvals.decisions import Decision
from approvals.models import Approval
from approvals.operations import incidents, proposals, tending
from approvals.operations.models import Incident, Operation, Severity
from approvals.operations.proposals import Proposed
from awooop.kit import canonical
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Project, Role
from awooop.tenants.modes import Mode
from contracts import lifecycle, queries
from contracts.models import Family
from gateway import hub
from gateway.models import Provider, Standing, Tool
from gateway.providers.kubernetes.tools import TOOLBOX as CLUSTER
from gateway.providers.ssh.tools import TOOLBOX as HOSTS
from gateway.registry import pins
from runs import worker
from tests import tables
from tests.conftest import NewTenant
from tests.gateway.governed import LAX, listed_now
from tests.peers import kubernetes_api, ssh_server
from tests.peers.kubernetes_api import Cluster
from tests.peers.ssh_server import Host

PROJECT = "ops"
PEOPLE = ("ann", "bob")
ASKING = {**LAX, "approval": {}, "quorum": {"activation": 1, "medium": 1, "high": 1}}
WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
SCALE = "kubectl scale deployment/web -n shop --replicas=3"
RESTART = "kubectl rollout restart deployment/web -n shop"
NGINX = "ssh web systemctl restart nginx"


@dataclass
class Desk:
    """Where operators propose and decide, and what they act on."""

    agent_id: str
    cluster: Cluster
    host: Host

    def propose(self, action: str, **how: Any) -> Proposed:
        told = {"description": "because", "risk": "medium", "requested_by": "operator:eve"}
        told |= {"agent_id": self.agent_id, "at": timezone.now()}
        return proposals.propose(PROJECT, action=action, **{**told, **how})

    def decide(self, made: Proposed, decision: Decision = Decision.APPROVE) -> None:
        assert made.approval_id is not None
        with tenant_tx(PROJECT):
            decisions.decide(
                PROJECT,
                made.approval_id,
                decision,
                approver="operator:ann",
                reason="seen",
                at=timezone.now(),
            )

    def work(self) -> None:
        worker.reap()
        worker.drain(worker="w")

    def done(self, action: str, **how: Any) -> Operation:
        """Propose, approve, work; and let the clock do what is due."""
        made = self.propose(action, **how)
        if made.approval_id is not None:
            self.decide(made)
        self.work()
        self.tend()
        return self.operation(made)

    def tend(self) -> None:
        """Let the clock look until nothing is due at once."""
        while tending.tend():
            pass

    def operation(self, made: Proposed | UUID) -> Operation:
        identity = made if isinstance(made, UUID) else made.operation_id
        with tenant_tx(PROJECT):
            return Operation.objects.get(project_id=PROJECT, operation_id=identity)

    def approval(self, made: Proposed) -> Approval:
        with tenant_tx(PROJECT):
            return Approval.objects.get(project_id=PROJECT, approval_id=made.approval_id)

    def incident(self, title: str = "checkout is slow", **how: Any) -> Incident:
        told = {"severity": Severity.CRITICAL, "source": "alertmanager", "category": "latency"}
        with tenant_tx(PROJECT):
            return incidents.open_one(
                PROJECT, title=title, actor="channel", at=timezone.now(), **{**told, **how}
            )

    def all(self, model: Any, **where: Any) -> list[Any]:
        with tenant_tx(PROJECT):
            return list(model.objects.filter(project_id=PROJECT, **where).order_by("pk"))

    def again(self, row: Any) -> Any:
        with tenant_tx(PROJECT):
            return type(row).objects.get(pk=row.pk)

    def patches(self) -> list[Any]:
        return [asked for asked in self.cluster.asked if asked.method == "PATCH"]

    def sql(self, statement: str, *params: Any) -> None:
        with tenant_tx(PROJECT), connections["default"].cursor() as cursor:
            cursor.execute(statement, params)


@pytest.fixture(scope="module")
def _cluster() -> Iterator[Cluster]:
    with kubernetes_api.serving() as served:
        yield served


@pytest.fixture(scope="module")
def _host() -> Iterator[Host]:
    with ssh_server.serving() as served:
        yield served


@pytest.fixture
def desk(
    new_tenant: NewTenant,
    _cluster: Cluster,
    _host: Host,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> Iterator[Desk]:
    settings.OPERATION_RETRY_SECONDS = 0
    monkeypatch.setenv("AWOOOP_CREDENTIAL_OPS__SSH", _host.client_key)
    for held in (_cluster.objects, _cluster.logs, _cluster.answers, _cluster.asked):
        held.clear()
    _cluster.fill()
    _host.said.clear()
    _host.lines.clear()
    _host.most_channels = 100
    agent_id = tables.cast(
        PROJECT,
        ("desk", _cluster.url, str(_host.contract())),
        lambda: _bring_on(new_tenant, _cluster, _host),
    )
    listed_now(PROJECT)
    with global_tx():
        for name in PEOPLE:
            Operator.objects.create_user(name)
    with tenant_tx(PROJECT):
        for name in PEOPLE:
            members.admit(PROJECT, name, Role.APPROVER, actor="t", at=timezone.now())
    yield Desk(agent_id, _cluster, _host)
    hub.the().forget()


def _bring_on(new_tenant: NewTenant, cluster: Cluster, host: Host) -> str:
    tenant = new_tenant(PROJECT, Mode.SHADOW)
    transport = {"kind": "kubernetes", "namespaces": ["shop"], "api_server": cluster.url}
    _sign(tenant.agent_id, "cluster", CLUSTER, transport)
    hosts = {"kind": "ssh", "hosts": [host.contract()]}
    _sign(tenant.agent_id, "hosts", HOSTS, hosts, credential_ref="env:AWOOOP_CREDENTIAL_OPS__SSH")
    grant(tenant.agent_id)
    install(Family.POLICY, "default", ASKING)
    with tenant_tx(PROJECT):
        Project.objects.filter(project_id=PROJECT).update(migration_mode=Mode.ACTIVE)
    return tenant.agent_id


def install(family: Family, contract_id: str, body: dict[str, Any]) -> None:
    with tenant_tx(PROJECT):
        lifecycle.install(PROJECT, family, contract_id, body, actor="t", at=timezone.now())
    queries.forget()


def grant(agent_id: str, without: Callable[[str], bool] = lambda name: False) -> None:
    """Put an agent contract in force that grants every tool of both, but some."""
    tools = [
        {"tool_name": each["name"], "mcp_gateway_id": gateway, "scopes": ["admin", "read", "write"]}
        for gateway, box in (("cluster", CLUSTER), ("hosts", HOSTS))
        for each in box.listing.tools
        if not without(each["name"])
    ]
    install(Family.AGENT, agent_id, {"agent_id": agent_id, "tools": tools})


def _sign(agent_id: str, gateway_id: str, box: Any, transport: Any, **more: Any) -> None:
    tools = []
    for each in box.listing.tools:
        reads = each["annotations"]["readOnlyHint"]
        scope = "read" if reads else "write"
        tools.append({"tool_name": each["name"], "is_destructive": not reads, "scope": scope})
    body = {
        "provider": gateway_id,
        "transport": transport,
        "private_addresses": ["127.0.0.0/8"],
        "timeout_seconds": 2,
        "tools": tools,
        **more,
    }
    install(Family.MCP_GATEWAY, gateway_id, body)
    now = timezone.now()
    with tenant_tx(PROJECT):
        Provider.objects.create(
            project_id=PROJECT,
            gateway_id=gateway_id,
            body_hash=canonical.sha256_of(body),
            listed_at=now,
        )
        Tool.objects.bulk_create(
            Tool(
                project_id=PROJECT,
                gateway_id=gateway_id,
                tool_name=each["name"],
                standing=Standing.RELEASED,
                definition=dict(each),
                pin_sha256=pins.of(dict(each), ""),
                seen=dict(each),
                seen_sha256=pins.of(dict(each), ""),
                first_seen_at=now,
                last_seen_at=now,
            )
            for each in box.listing.tools
        )
