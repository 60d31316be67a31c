"""A real Alertmanager v4 notification at its door."""

import copy
from datetime import timedelta

import pytest
from django.utils import timezone

from awooop.kit.db import tenant_tx
from awooop.tenants import keys
from awooop.tenants.models import PlatformSubject
from channels_hub.models import Channel, ConversationEvent
from runs import worker
from runs.models import Run

DOOR = "/v1/channels/acme/alertmanager"
NOTIFICATION = {
    "version": "4",
    "groupKey": '{}:{alertname="HighLatency"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "awooop",
    "groupLabels": {"alertname": "HighLatency"},
    "commonLabels": {"alertname": "HighLatency", "severity": "critical"},
    "commonAnnotations": {"summary": "p99 over 2 s"},
    "externalURL": "http://alertmanager.example",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighLatency", "pod": "web-1"},
            "annotations": {},
            "startsAt": "2026-05-04T10:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example/graph",
            "fingerprint": "c0ffee",
        }
    ],
}


def changed(**changes):
    return {**copy.deepcopy(NOTIFICATION), **changes}


def with_start(start):
    notification = copy.deepcopy(NOTIFICATION)
    notification["alerts"][0]["startsAt"] = start
    return notification


class TestReceive:
    def test_starts_one_run_and_mirrors_each_delivery(self, tenant):
        answers = [tenant.post(DOOR, NOTIFICATION) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [201, 200, 200]
        assert len({answer.json()["run_id"] for answer in answers}) == 1
        with tenant_tx("acme"):
            assert Run.objects.get().trigger_type == "channel_event"
            marks = ConversationEvent.objects.order_by("event_id").values_list("is_duplicate")
            assert list(marks) == [(False,), (True,), (True,)]

    def test_tells_the_story_from_the_event_to_the_end(self, tenant):
        run_id = tenant.post(DOOR, NOTIFICATION).json()["run_id"]
        tenant.post(DOOR, NOTIFICATION)
        worker.drain(worker="w")
        told = tenant.get(f"/v1/platform/runs/{run_id}/detail").json()

        kinds = [item["kind"] for item in told["timeline"]]
        assert kinds[:2] == ["inbound", "run"]
        assert set(kinds) == {"inbound", "run", "step"}
        assert told["timeline"][0]["summary"] == "[firing] HighLatency (critical): p99 over 2 s"
        assert told["run"]["state"] == "completed"

    @pytest.mark.parametrize(
        "repeat",
        [
            changed(commonAnnotations={"summary": "p99 over 3 s"}),
            changed(externalURL="http://other.example"),
            changed(truncatedAlerts=2),
        ],
    )
    def test_takes_what_drifts_between_repeats_as_the_same_event(self, tenant, repeat):
        first = tenant.post(DOOR, NOTIFICATION).json()
        second = tenant.post(DOOR, repeat).json()

        assert second == {**first, "is_duplicate": True}

    @pytest.mark.parametrize(
        "other",
        [
            changed(status="resolved"),
            changed(groupKey="{}:{}"),
            changed(receiver="night-shift"),
            with_start("2026-05-04T11:00:00Z"),
        ],
    )
    def test_takes_another_group_status_route_or_start_as_another_event(self, tenant, other):
        first = tenant.post(DOOR, NOTIFICATION).json()
        second = tenant.post(DOOR, other).json()

        assert second["is_duplicate"] is False
        assert second["run_id"] != first["run_id"]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ("nonsense", 400),
            ([], 422),
            ({}, 422),
            (changed(version="3"), 422),
            (changed(alerts=[]), 422),
            (changed(status="odd"), 422),
            (with_start("yesterday"), 422),
            (changed(groupKey=""), 422),
        ],
    )
    def test_refuses_what_is_no_notification_and_keeps_nothing(self, tenant, body, status):
        answer = tenant.post(DOOR, body)

        assert answer.status_code == status
        with tenant_tx("acme"):
            assert not ConversationEvent.objects.exists()

    def test_names_every_wrong_field(self, tenant):
        answer = tenant.post(DOOR, changed(status="odd", version="3"))

        assert {error["field"] for error in answer.json()["errors"]} == {"status", "version"}

    def test_refuses_the_key_of_another_project_as_if_it_were_wrong(self, tenant, new_tenant):
        other = new_tenant("globex")
        answer = other.post(DOOR, NOTIFICATION)

        assert (answer.status_code, answer.json()["code"]) == (401, "E-AUTH-001")

    def test_refuses_a_key_without_the_scope(self, tenant):
        with tenant_tx("acme"):
            _, key = keys.issue("acme", name="n", actor="t", at=timezone.now(), scopes=["runs"])
        answer = type(tenant)("acme", "a", key, tenant.client).post(DOOR, NOTIFICATION)

        assert answer.status_code == 403

    def test_refuses_an_expired_key(self, tenant):
        ended = timezone.now() - timedelta(seconds=1)
        with tenant_tx("acme"):
            _, key = keys.issue("acme", name="n", actor="t", at=timezone.now(), expires_at=ended)
        answer = type(tenant)("acme", "a", key, tenant.client).post(DOOR, NOTIFICATION)

        assert answer.status_code == 401

    def test_says_so_when_no_agent_handles_the_channel(self, tenant):
        with tenant_tx("acme"):
            Channel.objects.update(is_active=False)
        answer = tenant.post(DOOR, NOTIFICATION)

        assert (answer.status_code, answer.json()["code"]) == (422, "E-CHANNEL-001")

    def test_knows_the_sender_from_the_first_event_on(self, tenant):
        tenant.post(DOOR, NOTIFICATION)
        with tenant_tx("acme"):
            subject = PlatformSubject.objects.get()

        assert subject.platform_subject_id == "acme:alertmanager:awooop"
        assert subject.roles == ["viewer"]


class TestSecrets:
    def test_in_labels_and_receiver_reach_no_row_and_merge_no_events(self, tenant):
        token = "gl" + "pat-" + "a1B2c3D4e5" * 2
        labels = {"alertname": token}
        sent = [changed(receiver=f"{n}-{token}", commonLabels=labels) for n in range(2)]
        first = [tenant.post(DOOR, body).json() for body in sent]
        again = tenant.post(DOOR, sent[0]).json()

        assert (again["run_id"], again["is_duplicate"]) == (first[0]["run_id"], True)
        assert first[0]["run_id"] != first[1]["run_id"]
        with tenant_tx("acme"):
            events = list(ConversationEvent.objects.values())
            subjects = list(PlatformSubject.objects.values())
            inputs = list(Run.objects.values_list("input", flat=True))
        assert len(subjects) == 2
        assert token not in repr([events, subjects, inputs])
        assert "[secret:gitlab:" in events[0]["content_preview"]
