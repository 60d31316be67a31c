"""What each tool of the hosts and of the cluster needs at least, whatever a contract says of it."""

import pytest

from awooop.errors import AwoooPError, Code
from contracts.models import Family
from gateway import verdicts
from gateway.providers.kubernetes.tools import TOOLBOX as CLUSTER
from gateway.providers.ssh.tools import TOOLBOX as HOSTS
from tests.approvals.operations.conftest import PROJECT, Desk, install

NEEDS = {
    "ssh_diagnose": "read",
    "ssh_docker_restart": "write",
    "ssh_docker_compose_restart": "write",
    "ssh_systemctl_restart": "write",
    "ssh_clear_docker_logs": "write",
    "ssh_renew_ssl": "write",
    "ssh_reload_nginx": "write",
    "ssh_docker_prune": "admin",
    "k8s_get": "read",
    "k8s_list": "read",
    "k8s_events": "read",
    "k8s_logs": "read",
    "k8s_rollout_status": "read",
    "k8s_rollout_restart": "write",
    "k8s_scale": "write",
    "k8s_patch": "write",
}
TOOLS = {each["name"]: each for box in (HOSTS, CLUSTER) for each in box.listing.tools}
PRUNE = "ssh web docker prune images 48h"


class TestScope:
    def test_of_every_tool_is_known(self) -> None:
        assert NEEDS.keys() == TOOLS.keys()

    @pytest.mark.parametrize(("tool", "scope"), NEEDS.items())
    def test_is_not_made_less_of_by_a_contract(self, tool: str, scope: str) -> None:
        contract = {"tool_name": tool, "scope": "read", "is_destructive": False}
        assert verdicts.of(contract, TOOLS[tool], {}).scope == scope

    def test_of_prune_is_more_than_write(self, desk: Desk) -> None:
        with pytest.raises(AwoooPError) as refused:
            grant = {"tool_name": "ssh_docker_prune", "mcp_gateway_id": "hosts"}
            tools = [{**grant, "scopes": ["read", "write"]}]
            install(Family.AGENT, desk.agent_id, {"agent_id": desk.agent_id, "tools": tools})
            desk.propose(PRUNE)
        assert refused.value.code is Code.GATE_SCOPE
        assert desk.host.lines == []

    def test_of_prune_is_granted_as_admin_and_asks_people(self, desk: Desk) -> None:
        made = desk.propose(PRUNE)
        assert desk.approval(made).blast_radius["scope"] == "admin"
        assert desk.approval(made).project_id == PROJECT
