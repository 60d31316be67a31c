"""Names that are looked for in the cluster before people are asked, and what is said of them."""

import pytest
from prometheus_client import REGISTRY

from approvals.operations import resources
from awooop.errors import AwoooPError, Code
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from tests.approvals.operations.conftest import PROJECT, RESTART, SCALE, WEB, Desk, grant

LISTED = "/apis/apps/v1/namespaces/shop/deployments"


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("awooop_resource_resolved_total", {"result": result}) or 0.0


class TestNormalised:
    @pytest.mark.parametrize(
        ("kind", "name", "owner"),
        [
            ("Deployment", "web-7d9f8b6c5d-x2x4z", "web"),
            ("Deployment", "shop-web-6b5f4d-bcdfg", "shop-web"),
            ("Deployment", "web", None),
            ("Deployment", "web-api", None),
            ("StatefulSet", "db-0", "db"),
            ("DaemonSet", "agent-x2x4z", "agent"),
            ("ConfigMap", "web-7d9f8b6c5d-x2x4z", None),
        ],
    )
    def test_is_the_rollout_that_a_pods_name_speaks_of(self, kind, name, owner) -> None:
        assert resources.normalised(kind, name) == owner


class TestResolve:
    def test_a_hit_is_used(self, desk: Desk) -> None:
        before = counted("hit")
        made = desk.propose(RESTART)
        assert made.resolution.result == "hit"
        assert desk.operation(made).resolution["name"] == "web"
        assert counted("hit") == before + 1

    def test_a_pods_name_stands_for_its_deployment(self, desk: Desk) -> None:
        made = desk.propose("kubectl rollout restart deploy/web-7d9f8b6c5d-x2x4z -n shop")
        assert (made.resolution.result, made.resolution.name) == ("hit", "web")
        assert desk.approval(made).arguments["name"] == "web"

    def test_a_suggestion_names_the_closest_and_changes_nothing(self, desk: Desk) -> None:
        like = {part: desk.cluster.objects[WEB][part] for part in ("spec", "status")}
        desk.cluster.add(f"{LISTED}/web-api", "Deployment", **like)
        before = counted("suggestion")
        made = desk.propose("kubectl rollout restart deploy/webapi -n shop")
        assert made.resolution.suggestions[0] == "web-api"
        assert desk.approval(made).arguments["name"] == "webapi"
        assert desk.operation(made).resolution["suggestions"] == ["web-api", "web"]
        assert counted("suggestion") == before + 1

    def test_a_miss_or_an_error_stops_nothing(self, desk: Desk) -> None:
        before = counted("miss"), counted("error")
        made = desk.propose("kubectl rollout restart deploy/zzzzz -n shop")
        assert (made.resolution.result, made.resolution.suggestions) == ("miss", ())
        assert made.approval_id is not None
        desk.cluster.answers[LISTED] = (500, "oh")
        made = desk.propose(RESTART)
        assert made.resolution.result == "error"
        assert made.approval_id is not None
        assert (counted("miss"), counted("error")) == (before[0] + 1, before[1] + 1)

    def test_nobody_learns_names_by_tools_that_were_not_granted(self, desk: Desk) -> None:
        grant(desk.agent_id, without=lambda name: name == "k8s_list")
        desk.cluster.asked.clear()
        made = desk.propose("kubectl rollout restart deploy/webb -n shop")
        assert (made.resolution.result, made.resolution.suggestions) == ("error", ())
        assert desk.cluster.asked == []


class TestRefusals:
    """What nobody is asked about, because the gates would refuse it anyway."""

    def refusal(self, desk: Desk, action: str, **how: object) -> Code:
        with pytest.raises(AwoooPError) as refused:
            desk.propose(action, **how)
        return refused.value.code

    def test_are_told_at_once(self, desk: Desk) -> None:
        secret = """kubectl patch deploy/web -n shop -p '{"spec": {"x": "AKIAIOSFODNN7EXAMPLE"}}'"""
        other = "kubectl scale deploy/web -n kube-system --replicas=0"
        assert self.refusal(desk, secret) is Code.ACTION_UNREAD
        assert self.refusal(desk, other) is Code.GATE_TOOL
        assert self.refusal(desk, "ssh db reload nginx") is Code.GATE_TOOL
        grant(desk.agent_id, without=lambda name: name == "k8s_scale")
        assert self.refusal(desk, SCALE) is Code.GATE_TOOL
        assert self.refusal(desk, RESTART, agent_id="nobody") is Code.GATE_AGENT

    def test_nothing_is_asked_of_people_in_shadow_mode(self, desk: Desk) -> None:
        with tenant_tx(PROJECT):
            Project.objects.filter(project_id=PROJECT).update(migration_mode=Mode.SHADOW)
        assert self.refusal(desk, RESTART) is Code.GATE_SHADOW
