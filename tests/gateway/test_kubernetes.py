"""The cluster's tools, against a server that speaks the Kubernetes API and keeps what it hears."""

import asyncio
import json
import time

import pytest

from awooop.errors import Code
from gateway import harm
from gateway.providers.base import MOST_BYTES, Failed, Permit, Secret, Target
from gateway.providers.kubernetes import Kubernetes
from gateway.providers.kubernetes.tools import TOOLBOX
from tests.peers import kubernetes_api

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
POD = "/api/v1/namespaces/shop/pods/web-1"
ONE = {"namespace": "shop", "kind": "Deployment", "name": "web"}


@pytest.fixture(scope="module")
def _cluster():
    with kubernetes_api.serving() as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster):
    for held in (_cluster.objects, _cluster.logs, _cluster.answers, _cluster.asked):
        held.clear()
    _cluster.token, _cluster.connections = "", 0
    _cluster.fill()
    return _cluster


def target(cluster, token=None, private=("127.0.0.0/8", "::1"), **parts):
    transport = {"kind": "kubernetes", "namespaces": ["shop"], "api_server": cluster.url}
    return Target(
        project_id="acme",
        gateway_id="cluster",
        body_hash="0" * 64,
        transport=transport | parts,
        private_addresses=private,
        credential=token and Secret(token, version="1"),
    )


def call(cluster, tool, arguments, *, seconds=5.0, token=None, patience=5.0):
    async def once():
        provider = Kubernetes(target(cluster, token), patience=patience)
        permit = Permit(time.monotonic() + seconds)
        try:
            async with asyncio.timeout(10):
                return await provider.call(tool, arguments, permit=permit, progress=None)
        finally:
            await provider.close()

    return asyncio.run(once())


def failure(cluster, tool, arguments, **how):
    with pytest.raises(Failed) as failed:
        call(cluster, tool, arguments, **how)
    return failed.value


def text(answer):
    return answer.content[0]["text"]


class TestReads:
    def test_an_object_without_its_noise(self, cluster):
        answer = call(cluster, "k8s_get", {**ONE, "kind": "Pod", "name": "web-1"})
        assert answer.structured["spec"]["nodeName"] == "node-1"
        assert "managedFields" not in text(answer)
        assert json.loads(text(answer)) == answer.structured

    def test_lists_page_by_page(self, cluster):
        for number in range(2, 6):
            cluster.add(f"{POD[:-1]}{number}", "Pod", status={"phase": "Pending"})
        page = {"namespace": "shop", "kind": "Pod", "limit": 2, "labels": "app in (web, x)"}
        names = []
        for _ in range(3):
            answer = call(cluster, "k8s_list", page).structured
            names += [item["name"] for item in answer["items"]]
            page["continue"] = answer.get("continue", "")
        assert names == [f"web-{number}" for number in range(1, 6)]
        assert "continue" not in answer
        assert [asked.params["limit"] for asked in cluster.asked] == ["2", "2", "2"]
        assert cluster.asked[0].params["labelSelector"] == "app in (web, x)"

    def test_lists_with_what_is_wrong_with_each(self, cluster):
        (pod,) = call(cluster, "k8s_list", {"namespace": "shop", "kind": "Pod"}).structured["items"]
        assert pod["reasons"] == ["CrashLoopBackOff"]
        assert (pod["ready"], pod["restarts"], pod["node"]) == ("0/1", 3, "node-1")

    def test_the_end_of_a_log(self, cluster):
        answer = call(cluster, "k8s_logs", {"namespace": "shop", "pod": "web-1", "tail": 2})
        assert text(answer) == "line 999\nline 1000\n"
        answer = call(
            cluster,
            "k8s_logs",
            {"namespace": "shop", "pod": "web-1", "tail": 900, "max_bytes": 1024},
        )
        assert text(answer).startswith("…cut\n")
        assert text(answer).endswith("line 1000\n")
        assert len(text(answer)) == 1024 + len("…cut\n")
        assert cluster.asked[0].params["limitBytes"] == str(MOST_BYTES)

    def test_events_youngest_first(self, cluster):
        arguments = {"namespace": "shop", "kind": "Pod", "name": "web-1", "limit": 1}
        found = call(cluster, "k8s_events", arguments).structured["events"]
        assert [each["message"] for each in found] == ["restarting, 2"]
        assert cluster.asked[0].params["fieldSelector"] == (
            "involvedObject.kind=Pod,involvedObject.name=web-1"
        )

    @pytest.mark.parametrize(
        ("change", "state"),
        [
            ({}, "complete"),
            ({"observedGeneration": 0}, "progressing"),
            ({"updatedReplicas": 1}, "progressing"),
            ({"availableReplicas": 1}, "progressing"),
            ({"replicas": 3}, "progressing"),
            (
                {
                    "conditions": [
                        {
                            "type": "Progressing",
                            "status": "False",
                            "reason": "ProgressDeadlineExceeded",
                        }
                    ]
                },
                "failed",
            ),
        ],
    )
    def test_how_far_a_deployment_is(self, cluster, change, state):
        cluster.objects[WEB]["status"] |= change
        assert call(cluster, "k8s_rollout_status", ONE).structured["state"] == state

    def test_how_far_sets_are(self, cluster):
        sets = "/apis/apps/v1/namespaces/shop"
        status = {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "currentReplicas": 1}
        status |= {"updatedReplicas": 2, "currentRevision": "a", "updateRevision": "b"}
        spec = {"replicas": 3, "serviceName": "db", "selector": {}, "template": {}}
        cluster.add(f"{sets}/statefulsets/db", "StatefulSet", spec=spec, status=status)
        found = {"namespace": "shop", "kind": "StatefulSet", "name": "db"}
        assert call(cluster, "k8s_rollout_status", found).structured["state"] == "progressing"
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        assert call(cluster, "k8s_rollout_status", found).structured["state"] == "complete"
        status = {"observedGeneration": 1, "currentNumberScheduled": 2, "numberMisscheduled": 0}
        status |= {"desiredNumberScheduled": 2, "numberReady": 1, "numberAvailable": 1}
        status |= {"updatedNumberScheduled": 2}
        spec = {"selector": {}, "template": {}}
        cluster.add(f"{sets}/daemonsets/agent", "DaemonSet", spec=spec, status=status)
        found = {"namespace": "shop", "kind": "DaemonSet", "name": "agent"}
        answer = call(cluster, "k8s_rollout_status", found)
        assert text(answer) == "1 of 2 replicas are available"


class TestWrites:
    def test_restart_as_kubectl_does(self, cluster):
        assert not call(cluster, "k8s_rollout_restart", ONE).is_error
        (asked,) = cluster.asked
        assert (asked.method, asked.path) == ("PATCH", WEB)
        assert asked.headers["content-type"] == "application/strategic-merge-patch+json"
        (note,) = asked.body["spec"]["template"]["metadata"]["annotations"]
        assert note == "kubectl.kubernetes.io/restartedAt"

    def test_scale_through_the_scale_of_an_object(self, cluster):
        answer = call(cluster, "k8s_scale", {**ONE, "replicas": 5.0})
        (asked,) = cluster.asked
        assert (asked.method, asked.path) == ("PATCH", f"{WEB}/scale")
        assert asked.body == {"spec": {"replicas": 5}}
        assert answer.structured["done"] == "scaled to 5"

    @pytest.mark.parametrize("kind", ["merge", "strategic"])
    def test_patch_what_is_asked(self, cluster, kind):
        change = {"metadata": {"labels": {"tier": "web"}}, "spec": {"paused": True}}
        assert not call(cluster, "k8s_patch", {**ONE, "type": kind, "patch": change}).is_error
        (asked,) = cluster.asked
        assert asked.body == change
        assert asked.headers["content-type"] == f"application/{'strategic-' * (kind[0] == 's')}merge-patch+json"  # fmt: skip  # noqa: E501
        assert asked.params == {"fieldManager": "awooop", "fieldValidation": "Strict"}

    @pytest.mark.parametrize(
        "patch",
        [
            {},
            {"status": {}},
            {"kind": "Secret"},
            {"apiVersion": "v1"},
            {"metadata": {"name": "other"}},
            {"metadata": {"namespace": "kube-system"}},
            {"metadata": {"finalizers": []}},
            {"metadata": None},
            {"metadata": {"ownerReferences": []}},
            {"$patch": "delete"},
            {"spec": {"template": {"spec": {"hostNetwork": True}}}},
            {"spec": {"template": {"spec": {"hostnetwork": True}}}},
            {"spec": {"template": {"spec": {"volumes": [{"name": "x", "hostPath": {}}]}}}},
            {"spec": {"template": {"spec": {"volumes": [{"name": "x", "secret": {}}]}}}},
            {"spec": {"template": {"spec": {"containers": [{"securityContext": {}}]}}}},
            {"spec": {"template": {"spec": {"serviceAccountName": "admin"}}}},
            {"spec": {"template": {"spec": {"containers": [{"env": [
                {"valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}]}}}},
            {"spec": {"template": {"spec": {"containers": [{"$patch": "replace"}]}}}},
            {"spec": {"externalIPs": ["8.8.8.8"]}},
            {"data": {"a": "x" * 70_000}},
            {"spec": float("nan")},
            {"spec": {"a": float("inf")}},
        ],
    )  # fmt: skip
    def test_patch_nothing_that_gives_rights(self, cluster, patch):
        failed = failure(cluster, "k8s_patch", {**ONE, "patch": patch})
        assert (failed.code, failed.sent) == (Code.GATE_ARGUMENTS, False)
        assert cluster.asked == []

    def test_patch_nothing_that_is_nested_without_end(self, cluster):
        patch: dict = {}
        for _ in range(5_000):
            patch = {"spec": patch}
        assert failure(cluster, "k8s_patch", {**ONE, "patch": patch}).code is Code.GATE_ARGUMENTS
        assert cluster.asked == []

    def test_leave_the_tenants_own_words_alone(self, cluster):
        cluster.add("/api/v1/namespaces/shop/configmaps/app", "ConfigMap", data={})
        change = {
            "data": {"secret": "name", "privileged": "no"},
            "metadata": {"labels": {"csi": "x"}},
        }
        arguments = {"namespace": "shop", "kind": "ConfigMap", "name": "app", "patch": change}
        assert not call(cluster, "k8s_patch", arguments).is_error


BAD = [
    "web\n", "web;id", "web$(id)", "web`id`", "web|id", "-web", "web-", "–web", "w\x00eb", "..",
    "../kube-system", "web/log", "web%2flog", "web?x=1", "web#x", "web..x", ".web", "Web", "wéb",
    "web x", "", "a" * 300, "we\u200bb", "\ud800", "web\r\nHost: x", "*", "ｗeb", "%00", "web&a=b",
    "web,x", "web=x", "$HOME", "{web}", "we:b", "we@b",
]  # fmt: skip
HOSTILE = [
    *(("k8s_get", {**ONE, name: bad}) for name in ("namespace", "kind", "name") for bad in BAD),
    *(("k8s_logs", {"namespace": "shop", "pod": bad}) for bad in BAD),
    *(("k8s_logs", {"namespace": "shop", "pod": "web", "container": bad}) for bad in BAD),
    *(("k8s_scale", {**ONE, "name": bad, "replicas": 1}) for bad in BAD),
    *(("k8s_get", {**ONE, "kind": kind}) for kind in ("Secret", "secrets", "ServiceAccount", "Role",
      "RoleBinding", "Node", "Namespace", "PersistentVolume", "ClusterRole", "pod", "Event")),
    *(("k8s_get", {**ONE, "namespace": each}) for each in ("kube-system", "sho", "shopp")),
    *(("k8s_scale", {**ONE, "replicas": n}) for n in (-1, 1_001, 1.5, "3", True, None, 10**400)),
    *(("k8s_scale", {**ONE, "kind": kind, "replicas": 1}) for kind in ("DaemonSet", "Pod", "Job")),
    *(("k8s_patch", {**ONE, "patch": patch}) for patch in ([], "x", None, 1, [{"op": "remove"}])),
    *(("k8s_patch", {**ONE, "kind": kind, "patch": {"spec": {}}}) for kind in ("Pod", "Job")),
    ("k8s_patch", {**ONE, "patch": {"spec": {}}, "type": "json"}),
    ("k8s_patch", {**ONE, "patch": {"spec": {}}, "force": True}),
    *(("k8s_list", {"namespace": "shop", "kind": "Pod", "continue": bad})
      for bad in ("", "a b", "a\n", "a&limit=1", "é", "x" * 5_000)),
    *(("k8s_list", {"namespace": "shop", "kind": "Pod", "labels": bad})
      for bad in ("", "a\nb", "a&b", "a;b", "a" * 501, "a\x00")),
    ("k8s_list", {"namespace": "shop", "kind": "Secret"}),
    ("k8s_events", {"namespace": "shop", "kind": "Secret"}),
    ("k8s_list", {"kind": "Pod"}),
]  # fmt: skip


class TestHostileArguments:
    def test_are_refused_before_anything_is_sent(self, cluster):
        async def all_of_them():
            provider = Kubernetes(target(cluster))
            for tool, arguments in HOSTILE:
                with pytest.raises(Failed) as refusal:
                    permit = Permit(time.monotonic() + 5)
                    await provider.call(tool, arguments, permit=permit, progress=None)
                assert refusal.value.code is Code.GATE_ARGUMENTS, arguments
                assert refusal.value.sent is False
            await provider.close()

        asyncio.run(all_of_them())
        assert len(HOSTILE) > 200
        assert cluster.asked == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (400, "refused with 400"),
            (401, "unauthorized"),
            (403, "forbidden"),
            (404, "not found"),
            (409, "conflict"),
            (410, "list again from the start"),
            (422, "invalid"),
            (429, "too many requests"),
        ],
    )
    def test_are_answers_in_words(self, cluster, status, said):
        cluster.answers[WEB] = (status, "because " + "x" * 2_000)
        answer = call(cluster, "k8s_rollout_restart", ONE)
        assert answer.is_error
        assert said in text(answer)
        assert "because" in text(answer)
        assert len(text(answer)) < 700
        assert len(cluster.asked) == 1

    def test_of_a_credential_never_show_it(self, cluster):
        cluster.token = "right"
        answer = call(cluster, "k8s_get", ONE, token="wrong-but-secret")
        assert answer.is_error
        assert "wrong-but-secret" not in str(answer)
        assert not call(cluster, "k8s_get", ONE, token=" right\n").is_error
        as_json = json.dumps({"token": "right", "ca": ""})
        assert not call(cluster, "k8s_get", ONE, token=as_json).is_error

    @pytest.mark.parametrize("token", ["a b", "a\r\nHost: x", "é", "{}", '{"token": 1}', "{", " "])
    def test_of_what_is_no_token_come_before_anything_is_sent(self, cluster, token):
        failed = failure(cluster, "k8s_get", ONE, token=token)
        assert (failed.code, failed.sent) == (Code.CREDENTIAL_AWAY, False)
        assert cluster.asked == []


class TestFailures:
    @pytest.mark.parametrize(
        ("instead", "code"),
        [
            ((500, "etcd is away"), Code.UPSTREAM_AWAY),
            ((503, "no leader"), Code.UPSTREAM_AWAY),
            ((504, "late"), Code.UPSTREAM_LATE),
            ((301, "http://169.254.169.254/"), Code.UPSTREAM_BROKEN),
            ((307, WEB), Code.UPSTREAM_BROKEN),
            ((200, b"<html>"), Code.UPSTREAM_BROKEN),
            ((200, b"[1]"), Code.UPSTREAM_BROKEN),
            ((200, b"{}"), Code.UPSTREAM_BROKEN),
            ((200, b'{"metadata": 1}'), Code.UPSTREAM_BROKEN),
            ((200, b"\xff\xfe"), Code.UPSTREAM_BROKEN),
            ((200, b"[" * 100_000), Code.UPSTREAM_BROKEN),
            ((200, b""), Code.UPSTREAM_BROKEN),
            ("slow", Code.UPSTREAM_LATE),
            ("drip", Code.UPSTREAM_LATE),
            ("die", Code.UPSTREAM_AWAY),
            ("cut", Code.UPSTREAM_AWAY),
            ("endless", Code.UPSTREAM_TOO_LARGE),
            ("packed", Code.UPSTREAM_BROKEN),
            ("garbage", Code.UPSTREAM_BROKEN),
        ],
    )
    @pytest.mark.parametrize("tool", ["k8s_rollout_restart", "k8s_rollout_status"])
    def test_after_sending_may_have_taken_effect(self, cluster, tool, instead, code):
        cluster.answers[WEB] = instead
        patience = 0.3 if instead in ("slow", "drip") else 5  # a busy machine is not a late server
        failed = failure(cluster, tool, ONE, patience=patience)
        assert (failed.code, failed.sent) == (code, True)
        assert len(cluster.asked) == 1

    @pytest.mark.parametrize(
        "body", [b'{"metadata": {"a": NaN}}', b'{"metadata":{},"a":%s}' % (b"[" * 80 + b"]" * 80)]
    )
    def test_of_an_object_that_is_no_json_or_deep(self, cluster, body):
        cluster.answers[WEB] = (200, body)
        assert failure(cluster, "k8s_get", ONE).code is Code.UPSTREAM_BROKEN

    @pytest.mark.parametrize("tool", ["k8s_list", "k8s_events"])
    def test_of_a_list_whose_items_are_none(self, cluster, tool):
        for path in (POD, "/api/v1/namespaces/shop/events/x"):
            cluster.answers[path.rsplit("/", 1)[0]] = (200, b'{"items": [1, {"metadata": null}]}')
        arguments = {"namespace": "shop", "kind": "Pod"}
        assert failure(cluster, tool, arguments).code is Code.UPSTREAM_BROKEN

    def test_of_an_object_that_is_too_large_for_an_answer(self, cluster):
        cluster.objects[WEB]["data"] = "x" * (MOST_BYTES // 2)
        assert failure(cluster, "k8s_get", ONE).code is Code.UPSTREAM_TOO_LARGE

    def test_to_connect_sent_nothing(self, cluster):
        port, cluster.port = cluster.port, 1
        try:
            failed = failure(cluster, "k8s_scale", {**ONE, "replicas": 1})
        finally:
            cluster.port = port
        assert (failed.code, failed.sent) == (Code.UPSTREAM_AWAY, False)

    @pytest.mark.parametrize("server", ["http://127.0.0.1:{}", "http://localhost:{}"])
    def test_to_be_let_near_a_private_address_sent_nothing(self, cluster, server):
        async def story():
            url = server.format(cluster.port)
            provider = Kubernetes(target(cluster, private=("10.0.3.0/24",), api_server=url))
            with pytest.raises(Failed) as refusal:
                await provider.ready("k8s_get", ONE)
            await provider.close()
            return refusal.value

        failed = asyncio.run(story())
        assert (failed.code, failed.sent) == (Code.UPSTREAM_ADDRESS, False)
        assert cluster.connections == 0

    def test_of_a_permit_that_ran_out_sent_nothing(self, cluster):
        failed = failure(cluster, "k8s_scale", {**ONE, "replicas": 1}, seconds=0.0)
        assert (failed.code, failed.sent) == (Code.UPSTREAM_BUSY, False)
        assert cluster.asked == []

    def test_by_cancelling_end_at_once_and_spoil_nothing(self, cluster):
        async def story():
            provider = Kubernetes(target(cluster))
            permit = Permit(time.monotonic() + 5)
            cluster.answers[WEB] = "slow"
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await provider.call("k8s_get", ONE, permit=permit, progress=None)
            assert time.monotonic() - started < 1.4  # the server itself lets go after 1.5
            del cluster.answers[WEB]
            answer = await provider.call("k8s_get", ONE, permit=permit, progress=None)
            await provider.close()
            return answer

        assert not asyncio.run(story()).is_error


class TestReady:
    def test_connects_before_a_permit_is_asked_for(self, cluster):
        async def story():
            provider = Kubernetes(target(cluster))
            for _ in range(3):
                await provider.ready("k8s_get", ONE)
            await provider.call("k8s_get", ONE, permit=Permit(time.monotonic() + 5), progress=None)
            await provider.close()

        asyncio.run(story())
        assert [asked.path for asked in cluster.asked] == ["/version", WEB]
        assert cluster.connections == 1

    def test_refuses_what_the_call_would(self, cluster):
        async def story():
            provider = Kubernetes(target(cluster))
            with pytest.raises(Failed) as refusal:
                await provider.ready("k8s_get", {**ONE, "namespace": "kube-system"})
            await provider.close()
            return refusal.value

        assert asyncio.run(story()).code is Code.GATE_ARGUMENTS
        assert cluster.asked == []


class TestACertificate:
    def test_must_come_from_an_authority_that_the_credential_names(self, tmp_path):
        with kubernetes_api.serving(tmp_path / "server.pem") as cluster:
            cluster.fill()
            failed = failure(cluster, "k8s_get", ONE, token="t")
            assert (failed.code, failed.sent) == (Code.UPSTREAM_AWAY, False)
            for ca in ("nonsense", "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"):
                failed = failure(
                    cluster, "k8s_get", ONE, token=json.dumps({"token": "t", "ca": ca})
                )
                assert (failed.code, failed.sent) == (Code.CREDENTIAL_AWAY, False)
            assert cluster.asked == []
            token = json.dumps({"token": "t", "ca": cluster.ca})
            assert not call(cluster, "k8s_get", ONE, token=token).is_error


class TestTheEnvironment:
    def test_is_not_asked_for_a_proxy_or_a_cluster(self, cluster, monkeypatch, tmp_path):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        assert not call(cluster, "k8s_get", ONE).is_error
        assert "authorization" not in cluster.asked[0].headers


class TestDefinitions:
    def test_are_judged_as_what_they_are(self):
        reads = {"k8s_get", "k8s_list", "k8s_logs", "k8s_events", "k8s_rollout_status"}
        tools = {tool["name"]: tool for tool in TOOLBOX.listing.tools}
        assert tools.keys() - reads == {"k8s_rollout_restart", "k8s_scale", "k8s_patch"}
        for name, tool in tools.items():
            is_read = name in reads
            declared = {"annotations": tool["annotations"], "is_destructive": not is_read}
            declared["scope"] = "read" if is_read else "write"
            assert harm.is_destructive(name, ONE, declared) is not is_read
            assert tool["inputSchema"]["additionalProperties"] is False
