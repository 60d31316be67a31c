"""What an operator may ask for in words, and what no words can ask for."""

import pytest

from approvals.operations import actions
from approvals.operations.models import Kind
from awooop.errors import Code, Invalid

WEB = {"namespace": "shop", "kind": "Deployment", "name": "web"}


class TestKubectl:
    @pytest.mark.parametrize(
        ("text", "tool", "arguments"),
        [
            ("kubectl get pods -n shop -l app=web -o wide", "k8s_list",
             {"namespace": "shop", "kind": "Pod", "labels": "app=web"}),
            ("kubectl get deploy/web --namespace=shop", "k8s_get", WEB),
            ("kubectl -n shop get deployment web", "k8s_get", WEB),
            ("kubectl get events -n shop", "k8s_events", {"namespace": "shop"}),
            ("kubectl describe deployment web -n shop", "k8s_get", WEB),
            ("kubectl logs web-1 -n shop -c app --tail=50 --since 10m --previous", "k8s_logs",
             {"namespace": "shop", "pod": "web-1", "container": "app", "tail": 50,
              "since_seconds": 600, "previous": True}),
            ("kubectl rollout status deployment/web -n shop", "k8s_rollout_status", WEB),
            ("kubectl rollout restart deployment web -n shop", "k8s_rollout_restart", WEB),
            ("kubectl scale deploy web --replicas=3 -n shop", "k8s_scale", {**WEB, "replicas": 3}),
            ("""kubectl patch deploy web -n shop --type merge -p '{"spec": {"paused": true}}'""",
             "k8s_patch", {**WEB, "type": "merge", "patch": {"spec": {"paused": True}}}),
            ("k8s_scale namespace=shop kind=Deployment name=web replicas=3", "k8s_scale",
             {**WEB, "replicas": 3}),
        ],
    )  # fmt: skip
    def test_is_read_as_one_call(self, text, tool, arguments):
        action = actions.parse(text)
        assert (action.provider, action.tool) == ("kubernetes", tool)
        assert action.arguments == arguments


class TestHosts:
    @pytest.mark.parametrize(
        ("text", "tool", "arguments"),
        [
            ("ssh_systemctl_restart host=web unit=nginx", "ssh_systemctl_restart",
             {"unit": "nginx"}),
            ("ssh web systemctl restart nginx.service", "ssh_systemctl_restart",
             {"unit": "nginx.service"}),
            ("ssh web sudo systemctl restart nginx", "ssh_systemctl_restart", {"unit": "nginx"}),
            ("docker restart api-1 host=web", "ssh_docker_restart", {"container": "api-1"}),
            ("ssh web docker compose --project-directory=/srv/shop restart api",
             "ssh_docker_compose_restart", {"project_dir": "/srv/shop", "service": "api"}),
            ("ssh web nginx -s reload", "ssh_reload_nginx", {}),
            ("reload nginx host=web", "ssh_reload_nginx", {}),
            ("ssh web renew ssl shop.example.com", "ssh_renew_ssl", {"domain": "shop.example.com"}),
            ("ssh web clear docker logs api", "ssh_clear_docker_logs", {"container": "api"}),
            ("ssh web docker image prune -f --filter until=24h", "ssh_docker_prune",
             {"what": "images", "older_than_hours": 24}),
            ("ssh web docker prune builder 48h", "ssh_docker_prune",
             {"what": "builder", "older_than_hours": 48}),
            ("ssh web df -h", "ssh_diagnose", {"check": "disk"}),
            ("ssh web journalctl -u nginx -n 50", "ssh_diagnose",
             {"check": "journal", "unit": "nginx", "lines": 50}),
        ],
    )  # fmt: skip
    def test_is_read_as_one_call(self, text, tool, arguments):
        action = actions.parse(text)
        assert (action.provider, action.tool) == ("ssh", tool)
        assert action.arguments == {"host": "web", **arguments}


class TestObservation:
    @pytest.mark.parametrize(
        "text",
        ["NO_ACTION", "no-action: all is well", "NOACTION", "OBSERVE the queue; it drains",
         "Investigate the latency | later", "(未設)"],
    )  # fmt: skip
    def test_is_whatever_says_so_first(self, text):
        assert actions.parse(text).kind is Kind.OBSERVE

    @pytest.mark.parametrize("text", ["observer restart", "kubectl scale x # NO_ACTION"])
    def test_is_not_what_only_mentions_it(self, text):
        with pytest.raises(Invalid):
            actions.parse(text)


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "restart everything please",
            "kubectl",
            "kubectl -n",
            "kubectl rollout",
            "kubectl get pods; rm -rf /",
            "kubectl get pods | sh",
            "kubectl get pods && reboot",
            "kubectl get pods > /etc/passwd",
            "kubectl get $(id)",
            "kubectl get `id`",
            "kubectl get pods\nkubectl delete pod x",
            "kubectl get 'pods",
            "kubectl get \\pods",
            "kubectl get pods --kubeconfig=/tmp/x",
            "kubectl get pods -A",
            "kubectl get secrets",
            "kubectl get secret/x",
            "kubectl get pods --as=admin",
            "kubectl get pods web -l a=b",
            "kubectl delete pod web-1 -n shop",
            "kubectl top pods",
            "kubectl rollout undo deploy/web",
            "kubectl exec web-1 -- id",
            "kubectl apply -f x.yaml",
            "kubectl drain node-1",
            "kubectl scale deploy/web",
            "kubectl scale deploy/web --replicas=-1",
            "kubectl scale deploy/web --replicas=1e3",
            "kubectl scale deploy a b --replicas=1",
            "kubectl scale deploy/web --replicas=1 --replicas=2",
            "kubectl scale pod/web --replicas=1",
            "kubectl rollout restart deploy/../web",
            "kubectl rollout restart deploy/Web",
            "kubectl patch deploy/web --type json -p '[]'",
            """kubectl patch deploy/web -p '{"spec": 1, "spec": 2}'""",
            "kubectl patch secret/x -p '{}'",
            "kubectl logs deploy/web",
            "kubectl logs a --since 1y",
            "ssh web",
            "ssh -o ProxyCommand=x web uptime",
            "ssh root@web uptime",
            "ssh web rm -rf /",
            "ssh web systemctl restart",
            "ssh web systemctl restart -H other nginx",
            "ssh web systemctl restart --now",
            "ssh web systemctl restart reboot.target",
            "ssh web systemctl restart nginx mysql",
            "ssh web docker restart",
            "docker restart api",
            "ssh web docker system prune -af",
            "ssh web docker image prune -f",
            "ssh web docker restart host=db api",
            "ssh web ps aux",
            "ssh web bash -c id",
            "ssh_systemctl_restart host=web unit=nginx user=root",
            "ssh_shell host=web",
            "ssh_docker_restart host=web",
            "ssh_docker_restart host=web host=db container=a",
            "x" * 3_000,
        ],
    )
    def test_nothing_else_is_understood(self, text):
        with pytest.raises(Invalid) as refused:
            actions.parse(text)
        assert refused.value.code is Code.ACTION_UNREAD
        assert refused.value.detail != Code.ACTION_UNREAD.title
