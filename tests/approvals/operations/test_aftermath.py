"""What follows an ending: verdicts, what is learned, what is linked, what people hear of."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections
from django.utils import timezone

from approvals import edits, expiry, going_on, settling
from approvals.models import Approval
from approvals.operations import incidents, knowledge, learning, notices, oplog, playbooks, tending
from approvals.operations.models import (
    AnomalyDisposition,
    Incident,
    Knowledge,
    Notice,
    Operation,
    Playbook,
)
from approvals.operations.verification import Wanted
from awooop.errors import AwoooPError, Code, Conflict, NotFound, Unavailable
from awooop.kit.db import tenant_tx
from contracts.models import Family
from runs import cancelling, tools
from tests.approvals.operations.conftest import (
    ASKING,
    NGINX,
    PROJECT,
    RESTART,
    SCALE,
    WEB,
    Desk,
    grant,
    install,
)
from tests.approvals.operations.test_stories import same_replicas
from tests.audit.test_fail_closed import unwritable
from tests.peers.ssh_server import Said

AUTO = {"auto_approved": True, "requested_by": "auto_approve"}
LAXER = {**ASKING, "approval": {"required_scopes": []}}


class TestVerification:
    def test_waits_within_its_window_and_no_longer(self, desk: Desk) -> None:
        made = desk.propose(SCALE, verification=same_replicas(9, window=60))
        desk.decide(made)
        desk.work()
        desk.tend()
        found = desk.operation(made)
        assert (found.verdict, found.looks, found.stage) == ("", 1, "verifying")
        assert found.verify_by - found.closed_at == timedelta(seconds=60)
        desk.cluster.objects[WEB]["spec"]["replicas"] = 9
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        found = desk.operation(made)
        assert (found.verdict, found.effectiveness) == ("verified", 4)

    def test_that_nobody_answers_is_unverified_and_the_action_stays_executed(
        self, desk: Desk
    ) -> None:
        incident = desk.incident()
        made = desk.propose(SCALE, incident_id=incident.incident_id, verification=same_replicas(3))
        desk.decide(made)
        desk.work()
        desk.cluster.answers[WEB] = "die"
        desk.tend()
        found = desk.operation(made)
        assert (found.outcome, found.verdict, found.effectiveness) == ("executed", "unverified", 3)
        assert desk.again(incident).status == "investigating"
        assert desk.all(Operation, rollback_of=found.operation_id) == []
        assert (found.stage, desk.all(Playbook)) == ("done", [])
        for change in ("outcome = 'error'", "verdict = 'failed'"):
            with pytest.raises(DatabaseError):
                desk.sql(f"UPDATE awooop_operation SET {change}")

    def test_that_comes_too_late_proves_nothing(self, desk: Desk) -> None:
        made = desk.propose(SCALE, verification=same_replicas(3, window=60))
        desk.decide(made)
        desk.work()
        desk.sql("UPDATE awooop_operation SET verify_by = clock_timestamp() - interval '2 minutes'")
        desk.tend()
        found = desk.operation(made)
        assert (found.outcome, found.verdict) == ("executed", "unverified")
        assert found.verdict_note == "nobody looked in time"

    def test_may_only_read_has_rules_and_an_end(self, desk: Desk) -> None:
        named = {"namespace": "shop", "kind": "Deployment", "name": "web"}
        for tool, rules, window in (
            ("k8s_scale", [{"path": "/a"}], 1),
            ("k8s_get", [], 1),
            ("k8s_get", [{"path": "/a", "sometimes": True}], 1),
            ("k8s_get", [{"path": "/a"}], 61),
        ):
            wanted = Wanted(tool=tool, arguments=named, rules=rules, window_seconds=window)
            with pytest.raises(AwoooPError) as refused:
                desk.propose(RESTART, verification=wanted)
            assert refused.value.code is Code.ACTION_UNREAD


class TestIncidents:
    def test_are_opened_once_by_their_sources_name(self, desk: Desk) -> None:
        first, second = (desk.incident(source_ref="fp-1") for _ in range(2))
        assert first.incident_id == second.incident_id
        assert desk.incident().incident_id != desk.incident().incident_id

    def test_resolve_once_by_a_person_and_never_by_what_was_not_verified(self, desk: Desk) -> None:
        incident = desk.incident()
        desk.done(RESTART, incident_id=incident.incident_id, verification=same_replicas(9))
        with pytest.raises(DatabaseError):
            desk.sql(
                "UPDATE awooop_incident SET status = 'resolved', resolved_at = now(), resolved_by ="
                " 'operation', resolution_id = (SELECT operation_id FROM awooop_operation LIMIT 1)"
            )
        told = []
        for _ in range(2):
            with tenant_tx(PROJECT):
                told.append(
                    incidents.resolve(
                        PROJECT, incident.incident_id, actor="operator:ann", at=timezone.now()
                    )
                )
        assert told == [True, False]
        with pytest.raises(NotFound), tenant_tx(PROJECT):
            incidents.resolve(PROJECT, uuid4(), actor="operator:ann", at=timezone.now())
        with pytest.raises(NotFound):
            desk.propose(RESTART, incident_id=uuid4())


class TestAutoApproved:
    def test_goes_ahead_only_where_the_policy_asks_nobody(self, desk: Desk) -> None:
        asked = desk.propose(NGINX, **AUTO)
        assert asked.approval_id is not None
        desk.work()
        assert desk.host.lines == []
        install(Family.POLICY, "default", LAXER)
        free = desk.propose("ssh web docker restart api", **AUTO)
        assert free.approval_id is None
        desk.work()
        found = desk.operation(free)
        assert (found.outcome, found.is_auto_approved) == ("executed", True)
        assert desk.host.lines == ["docker restart -- api"]

    def test_is_judged_anew_when_it_is_done(self, desk: Desk) -> None:
        install(Family.POLICY, "default", LAXER)
        made = desk.propose(NGINX, incident_id=desk.incident().incident_id, **AUTO)
        install(Family.POLICY, "default", ASKING)
        desk.work()
        found = desk.operation(made)
        assert (found.stage, found.is_auto_approved, found.outcome) == ("proposed", False, "")
        assert found.approval_id is not None
        assert desk.host.lines == []

    def test_is_linked_to_its_later_incident_once(self, desk: Desk) -> None:
        install(Family.POLICY, "default", LAXER)
        found = desk.done(SCALE, verification=same_replicas(3), **AUTO)
        assert (found.stage, found.incident_id) == ("done", None)
        assert desk.all(Playbook) == []
        incident, other = desk.incident(), desk.incident("another")
        told = []
        for each in (incident, incident, other):
            with tenant_tx(PROJECT):
                told.append(
                    learning.link(PROJECT, found.operation_id, each.incident_id, at=timezone.now())
                )
        assert told == [True, False, False]
        desk.tend()
        assert desk.again(incident).status == "resolved"
        assert desk.again(other).status == "open"
        assert len(desk.all(Notice, kind="incident.resolved")) == 1
        (entry,) = desk.all(Knowledge)
        assert entry.incident_id == incident.incident_id
        assert {"auto_executed", "latency"} <= set(entry.tags)
        assert len(desk.all(Playbook)) == 1
        assert [each.what for each in desk.all(AnomalyDisposition)] == ["auto_approved"]
        assert len(desk.patches()) == 1

    def test_that_failed_is_linked_and_resolves_nothing(self, desk: Desk) -> None:
        install(Family.POLICY, "default", LAXER)
        desk.host.said["restart"] = Said(err="unit is masked", status=1)
        found, incident = desk.done(NGINX, **AUTO), desk.incident()
        with tenant_tx(PROJECT):
            at = timezone.now()
            assert learning.link(PROJECT, found.operation_id, incident.incident_id, at=at)
            for pair in ((uuid4(), incident.incident_id), (found.operation_id, uuid4())):
                with pytest.raises(NotFound):
                    learning.link(PROJECT, *pair, at=at)
        desk.tend()
        assert desk.again(incident).status == "open"
        (entry,) = desk.all(Knowledge)
        assert (entry.incident_id, entry.did_not_work) == (incident.incident_id, True)
        assert {"auto_executed", "failure", "latency"} <= set(entry.tags)
        assert desk.all(Playbook) == []

    def test_watching_and_what_people_approved_is_not_linked(self, desk: Desk) -> None:
        watched, human = desk.propose("NO_ACTION", **AUTO), desk.done(RESTART)
        incident = desk.incident()
        for each in (watched.operation_id, human.operation_id):
            with tenant_tx(PROJECT):
                assert not learning.link(PROJECT, each, incident.incident_id, at=timezone.now())


class TestLearning:
    def test_that_fails_changes_nothing_and_ends(self, desk: Desk, monkeypatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(knowledge, "write", broken)
        found = desk.done(SCALE, verification=same_replicas(3))
        assert (found.outcome, found.verdict, found.stage) == ("executed", "verified", "learning")
        for _ in range(learning.MOST_TRIES):
            desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp() WHERE stage <> 'done'")
            tending.tend()
        found = desk.again(found)
        assert (found.outcome, found.stage, found.tries) == ("executed", "done", 5)

    def test_keeps_its_entry_when_the_playbook_fails(self, desk: Desk, monkeypatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("no")

        with monkeypatch.context() as breaking:
            breaking.setattr(playbooks, "learn", broken)
            how = {"incident_id": desk.incident().incident_id}
            found = desk.done(SCALE, verification=same_replicas(3), **how)
        assert (found.outcome, found.stage) == ("executed", "learning")
        (entry,) = desk.all(Knowledge)
        assert {"human_approved", "success", "verified"} <= set(entry.tags)
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        assert len(desk.all(Knowledge)) == len(desk.all(Playbook)) == 1

    def test_is_bounded_by_the_database(self, desk: Desk, monkeypatch) -> None:
        assert learning.SECONDS == 30
        monkeypatch.setattr(learning, "SECONDS", 0.5)

        def slow(*_: object, **__: object) -> None:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_sleep(20)")

        monkeypatch.setattr(knowledge, "write", slow)
        began = timezone.now()
        found = desk.done(RESTART)
        assert found.outcome == "executed"
        assert timezone.now() - began < timedelta(seconds=10)

    def test_counts_how_far_a_playbook_is_to_be_trusted(self, desk: Desk) -> None:
        incident = desk.incident()
        how = {"incident_id": incident.incident_id}
        desk.done(SCALE, verification=same_replicas(3), **how)
        (playbook,) = desk.all(Playbook)
        with tenant_tx(PROJECT):
            similar = incidents.open_one(
                PROJECT, title="Checkout errors", severity="warning", source="x", actor="t",
                category="errors", at=timezone.now(),
            )  # fmt: skip
            assert [each.pk for each in playbooks.match(PROJECT, similar)] == [playbook.pk]
            other = incidents.open_one(
                PROJECT, title="disk", severity="info", source="x", actor="t", category="disk",
                at=timezone.now(),
            )  # fmt: skip
            assert list(playbooks.match(PROJECT, other)) == []
        again = desk.done(SCALE, verification=same_replicas(9), incident_id=desk.incident().pk[1])
        assert again.playbook_id == playbook.playbook_id
        playbook = desk.again(playbook)
        assert (playbook.uses, playbook.successes, playbook.trust) == (2, 1, 0.5)

    def test_a_playbook_that_helped_late_waits_for_a_better_day(self, desk: Desk) -> None:
        made = desk.propose(
            SCALE, incident_id=desk.incident().incident_id, verification=same_replicas(9, 60)
        )
        desk.decide(made)
        desk.work()
        desk.tend()
        desk.cluster.objects[WEB]["spec"]["replicas"] = 9
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        (playbook,) = desk.all(Playbook)
        assert (playbook.standing, playbook.effectiveness) == ("draft", 4)

    def test_what_was_learned_is_found_by_its_words_and_tags(self, desk: Desk) -> None:
        desk.done(SCALE, incident_id=desk.incident().incident_id, verification=same_replicas(3))
        desk.host.said["restart"] = Said(err="unit is masked", status=1)
        desk.done(NGINX)
        with tenant_tx(PROJECT):
            assert len(knowledge.search(PROJECT, "")) == 2
            (found,) = knowledge.search(PROJECT, "checkout scale")
            assert "replicas=3" in found.body
            (failed,) = knowledge.search(PROJECT, "nginx", tags=["failure"])
            assert (failed.did_not_work, failed.category) == (True, "general")
            assert knowledge.search(PROJECT, "nginx", tags=["success"]) == []
            assert knowledge.search(PROJECT, "-checkout 'x & | !", tags=["latency"]) == []


class TestDispositions:
    def test_are_one_a_request_and_counted_by_kind_of_anomaly(self, desk: Desk) -> None:
        for number in range(2):  # two incidents of one kind
            how = {"incident_id": desk.incident().incident_id}
            desk.decide(
                desk.propose(f"kubectl scale deploy/web -n shop --replicas={number}", **how)
            )
        made = desk.propose(RESTART, incident_id=desk.incident().incident_id)
        desk.propose("OBSERVE", incident_id=desk.incident().incident_id)
        _let_expire(made.approval_id)
        assert expiry.expire() == 1
        assert desk.operation(made).outcome == "denied"
        with tenant_tx(PROJECT):
            told = oplog.decided(PROJECT, Incident.objects.first())
        assert told == {
            "human_approved": 2, "expired": 1, "no_action": 1, "auto_approved": 0, "rejected": 0,
        }  # fmt: skip


class TestNotices:
    def test_are_queued_with_what_they_tell_and_taken_once(self, desk: Desk) -> None:
        desk.host.said["restart"] = Said(err="key AKIAIOSFODNN7EXAMPLE", status=1)
        incident = desk.incident()
        found = desk.done(NGINX, incident_id=incident.incident_id)
        with tenant_tx(PROJECT):
            (ended, _) = notices.take(PROJECT, at=timezone.now())
        assert ended.kind == "operation.ended"
        assert ended.payload["incident_id"] == str(incident.incident_id)
        assert ended.payload["approval_id"] == str(found.approval_id)
        assert (ended.payload["removes_buttons"], ended.payload["outcome"]) == (True, "error")
        assert "AKIAIOSFODNN7EXAMPLE" not in str(ended.payload)
        with tenant_tx(PROJECT):
            assert notices.take(PROJECT, at=timezone.now()) == []
        assert all(each.taken_at for each in desk.all(Notice))


class TestLost:
    def test_an_operation_whose_run_was_ended_is_closed_as_not_executed(
        self, desk: Desk, settings
    ) -> None:
        settings.OPERATION_RETRY_SECONDS = 30
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0
        desk.work()
        with tenant_tx(PROJECT):
            cancelling.cancel(PROJECT, made.run_id, actor="t")
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        found = desk.operation(made)
        assert (found.outcome, found.error) == ("denied", "its run is cancelled")
        assert desk.approval(made).disposition == "denied-not-executed"

    def test_a_yes_whose_run_is_ended_before_it_begins_is_closed(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        with tenant_tx(PROJECT):
            cancelling.cancel(PROJECT, made.run_id, actor="t")
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.work()
        desk.tend()
        assert desk.operation(made).outcome == "denied"
        assert desk.approval(made).disposition == "denied-not-executed"
        assert desk.host.lines == []

    def test_a_worker_lost_after_it_sent_leaves_what_its_effect_says(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)

        def lost(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(going_on, "_ended", lost)
            with pytest.raises(KeyboardInterrupt):
                desk.work()
        assert desk.operation(made).outcome == ""
        let_lease_expire(made.run_id)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("executed", 2)
        assert desk.approval(made).disposition == "approved-executed"
        assert sum("restart" in line for line in desk.host.lines) == 1

    def test_the_second_tickets_effect_is_what_a_lost_yes_came_to(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0
        call = tools.call

        def opened(*asked: Any, **how: Any) -> Any:
            result = call(*asked, **how)
            desk.host.most_channels = 100
            return result

        def lost(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(tools, "call", opened)
            dying.setattr(going_on, "_ended", lost)
            with pytest.raises(KeyboardInterrupt):
                desk.work()
        with tenant_tx(PROJECT):
            cancelling.cancel(PROJECT, made.run_id, actor="t")
        assert settling.settle() == 1
        assert desk.approval(made).disposition == "approved-executed"
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        assert desk.operation(made).outcome == "executed"

    def test_a_yes_is_refused_what_the_agent_lost_since(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        grant(desk.agent_id, without=lambda name: name == "ssh_systemctl_restart")
        desk.work()
        desk.tend()
        found = desk.operation(made)
        assert (found.outcome, found.attempts, found.stage) == ("denied", 1, "done")
        assert desk.host.lines == []

    def test_what_a_person_edits_goes_on_for_the_same_incident(self, desk: Desk) -> None:
        incident = desk.incident()
        made = desk.propose(SCALE, incident_id=incident.incident_id, verification=same_replicas(4))
        named = {"namespace": "shop", "kind": "Deployment", "name": "web", "replicas": 4}
        how = {"editor": "operator:bob", "reason": "four", "at": timezone.now()}
        edited = edits.edit(PROJECT, made.approval_id, named, **how)
        desk.decide(replace(made, approval_id=edited.approval_id))
        desk.work()
        desk.tend()
        (found,) = desk.all(Operation, approval_id=edited.approval_id)
        assert (found.outcome, found.verdict) == ("executed", "verified")
        assert desk.again(incident).status == "resolved"
        assert desk.operation(made).outcome == "denied"
        assert [each.what for each in desk.all(AnomalyDisposition)] == ["human_approved"]

    def test_without_evidence_nothing_is_proposed_or_watched(self, desk: Desk) -> None:
        for action in (NGINX, "NO_ACTION"):
            with unwritable(), pytest.raises(Unavailable):
                desk.propose(action)
        assert desk.all(Operation) == desk.all(Approval) == desk.all(Notice) == []

    def test_the_same_proposal_joins_the_one_that_waits(self, desk: Desk) -> None:
        first, second = desk.propose(NGINX), desk.propose(NGINX)
        assert first.operation_id == second.operation_id
        desk.decide(first)
        with pytest.raises(Conflict):
            desk.decide(second)


def let_lease_expire(run_id: UUID) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE awooop_run_state NO FORCE ROW LEVEL SECURITY")
        cursor.execute(
            "UPDATE awooop_run_state SET lease_expires_at = now() WHERE run_id = %s", [run_id]
        )
        cursor.execute("ALTER TABLE awooop_run_state FORCE ROW LEVEL SECURITY")


def _let_expire(approval_id: UUID) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE awooop_approval NO FORCE ROW LEVEL SECURITY")
        cursor.execute(
            "UPDATE awooop_approval SET expires_at = now() - interval '1 second'"
            " WHERE approval_id = %s",
            [approval_id],
        )
        cursor.execute("ALTER TABLE awooop_approval FORCE ROW LEVEL SECURITY")
