"""An action from its words to what was learned: with real peers for SSH and Kubernetes."""

import pytest
from django.utils import timezone

from approvals.decisions import Decision
from approvals.models import Approval
from approvals.operations import rollbacks
from approvals.operations.models import (
    AnomalyDisposition,
    Incident,
    Knowledge,
    Notice,
    Operation,
    Playbook,
    Ticket,
)
from approvals.operations.verification import Wanted
from awooop.audit.models import AuditEvent
from gateway.models import Effect
from runs import tools
from runs.models import Run, Transition
from tests.approvals.operations.conftest import NGINX, RESTART, SCALE, WEB, Desk
from tests.peers.ssh_server import Said


def same_replicas(count: int, window: int = 0) -> Wanted:
    named = {"namespace": "shop", "kind": "Deployment", "name": "web"}
    rule = {"path": "/spec/replicas", "required": True, "one_of": [count]}
    return Wanted(tool="k8s_get", arguments=named, rules=[rule], window_seconds=window)


class TestSuccess:
    def test_a_verified_action_resolves_its_incident_and_teaches(self, desk: Desk) -> None:
        incident = desk.incident()
        made = desk.propose(SCALE, incident_id=incident.incident_id, verification=same_replicas(3))
        assert desk.again(incident).status == "investigating"
        assert desk.patches() == []
        approval = desk.approval(made)
        assert approval.incident_id == incident.incident_id
        assert approval.blast_radius["resource"]["result"] == "hit"
        desk.decide(made)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.stage, found.attempts) == ("executed", "verifying", 1)
        assert desk.again(incident).status == "investigating"
        desk.tend()
        found = desk.operation(made)
        assert (found.verdict, found.effectiveness, found.stage) == ("verified", 5, "done")
        assert found.duration_ms is not None
        incident = desk.again(incident)
        assert (incident.status, incident.resolution_id) == ("resolved", found.operation_id)
        (entry,) = desk.all(Knowledge)
        assert {"human_approved", "success", "latency", "verified"} <= set(entry.tags)
        assert not entry.did_not_work
        (playbook,) = desk.all(Playbook)
        assert (playbook.standing, playbook.uses, playbook.trust) == ("approved", 1, 1.0)
        (decided,) = desk.all(AnomalyDisposition)
        assert decided.what == "human_approved"
        kinds = {notice.kind for notice in desk.all(Notice)}
        assert kinds == {"operation.ended", "operation.judged", "incident.resolved"}
        assert len(desk.patches()) == 1

    def test_a_host_is_restarted_once_by_its_agent(self, desk: Desk) -> None:
        found = desk.done(NGINX, incident_id=desk.incident().incident_id)
        assert (found.outcome, found.verdict) == ("executed", "verified")
        (playbook,) = desk.all(Playbook)
        assert (playbook.action, playbook.category) == (NGINX, "latency")
        restarts = [line for line in desk.host.lines if "restart" in line]
        assert restarts == ["sudo -n -- systemctl restart -- nginx"]


class TestTransient:
    def test_what_never_left_is_tried_again_with_a_ticket_of_its_own(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0  # it refuses every channel: the claim is made, nothing leaves
        tried = []

        def counted(*args: object, **how: object) -> object:
            tried.append(1)
            if len(tried) == 2:
                desk.host.most_channels = 100
            return told(*args, **how)

        told = tools.call
        monkeypatch.setattr(tools, "call", counted)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("executed", 2)
        effects = sorted(desk.all(Effect), key=lambda each: each.claimed_at)
        assert [(each.outcome, each.is_unsent) for each in effects] == [
            ("error", True),
            ("executed", False),
        ]
        (ticket,) = desk.all(Ticket)
        assert [each.ticket_id for each in effects] == [
            desk.approval(made).ticket_id,
            ticket.ticket_id,
        ]
        assert sum("restart" in line for line in desk.host.lines) == 1
        assert desk.approval(made).disposition == "approved-executed"

    def test_an_end_comes_after_three_attempts(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("error", 3)
        assert found.error
        assert desk.host.lines == []
        assert desk.approval(made).disposition == "execution-error"

    def test_between_attempts_no_worker_waits(self, desk: Desk, settings) -> None:
        settings.OPERATION_RETRY_SECONDS = 30
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0
        desk.work()
        found = desk.operation(made)
        assert (found.stage, found.attempts, found.outcome) == ("resting", 1, "")
        wait = (found.due_at - timezone.now()).total_seconds()
        assert 25 < wait <= settings.OPERATION_RETRY_SECONDS == 30
        (rested,) = desk.all(Transition, run_id=made.run_id, now="waiting_tool")
        assert rested.reason.startswith("another attempt in 30 s: ")
        desk.work()
        desk.tend()
        assert desk.operation(made).attempts == 1
        desk.host.most_channels = 100
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("executed", 2)


class TestPermanent:
    def test_is_not_tried_again(self, desk: Desk) -> None:
        desk.cluster.answers[WEB + "/scale"] = (403, "deployments is forbidden")
        found = desk.done(SCALE)
        assert (found.outcome, found.attempts) == ("error", 1)
        assert "forbidden" in found.error
        assert "forbidden" in found.stderr
        assert len(desk.patches()) == 1
        (entry,) = desk.all(Knowledge)
        assert {"failure", "execution_failed"} <= set(entry.tags)
        assert entry.did_not_work

    def test_is_looked_after_and_neither_resolves_nor_teaches(self, desk: Desk) -> None:
        incident = desk.incident()
        how = {"incident_id": incident.incident_id, "verification": same_replicas(2)}
        desk.cluster.answers[WEB + "/scale"] = (403, "deployments is forbidden")
        found = desk.done(SCALE, **how)
        assert (found.outcome, found.verdict, found.effectiveness) == ("error", "verified", 1)
        assert desk.again(incident).status == "investigating"
        assert desk.all(Playbook) == []
        assert desk.all(Operation, rollback_of=found.operation_id) == []

    def test_what_a_command_wrote_on_stderr_is_kept_without_secrets(self, desk: Desk) -> None:
        secret = "AKIAIOSFODNN7EXAMPLE"
        desk.host.said["restart"] = Said(err=f"Failed: key {secret}\n", status=1)
        found = desk.done(NGINX)
        assert found.stderr.startswith("Failed: key [secret:")
        assert secret not in repr(vars(found))


class TestUnknown:
    def test_a_write_whose_outcome_nobody_knows_is_not_repeated(self, desk: Desk) -> None:
        desk.host.said["restart"] = Said(then="die")
        incident = desk.incident()
        found = desk.done(NGINX, incident_id=incident.incident_id)
        assert (found.outcome, found.attempts) == ("unknown", 1)
        desk.work()
        desk.tend()
        assert sum("restart" in line for line in desk.host.lines) == 1
        assert desk.all(Approval)[0].disposition == "outcome-unknown"
        assert desk.all(Ticket) == []
        assert desk.again(incident).status == "investigating"


class TestSlow:
    def test_a_call_longer_than_a_lease_keeps_it(self, desk: Desk, settings) -> None:
        settings.RUN_LEASE_SECONDS = 1
        desk.cluster.answers[WEB + "/scale"] = "slow"  # and then the connection is closed
        made = desk.propose(SCALE)
        desk.decide(made)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("unknown", 1)
        assert desk.all(Run, run_id=made.run_id)[0].state == "failed"


class TestFailedVerification:
    def test_proposes_to_take_it_back_and_leaves_the_outcome(self, desk: Desk) -> None:
        incident = desk.incident()
        wanted = same_replicas(9)
        found = desk.done(SCALE, incident_id=incident.incident_id, verification=wanted)
        assert (found.outcome, found.verdict, found.effectiveness) == ("executed", "failed", 1)
        assert desk.again(incident).status == "investigating"
        (back,) = desk.all(Operation, rollback_of=found.operation_id)
        assert back.action == "kubectl scale deployment/web -n shop --replicas=2"
        assert (back.stage, back.requested_by) == ("proposed", rollbacks.ACTOR)
        assert len(desk.patches()) == 1  # proposed, not done
        (entry,) = desk.all(Knowledge)
        assert "did not work" in entry.tags
        assert entry.did_not_work
        assert desk.all(Playbook) == []

    def test_says_so_where_nothing_would_take_it_back(self, desk: Desk) -> None:
        found = desk.done(RESTART, verification=same_replicas(9))
        assert (found.verdict, found.rollback_note) == (
            "failed",
            "nothing is known that would take it back",
        )
        assert desk.all(Operation, rollback_of=found.operation_id) == []

    def test_puts_back_what_a_patch_changed(self, desk: Desk) -> None:
        patch = (
            """kubectl patch deploy web -n shop -p '{"spec": {"replicas": 5, "paused": true}}'"""
        )
        found = desk.done(patch, verification=same_replicas(9))
        (back,) = desk.all(Operation, rollback_of=found.operation_id)
        assert back.arguments["patch"] == {"spec": {"replicas": 2, "paused": None}}

    def test_puts_no_tag_back_where_a_secret_was(self, desk: Desk) -> None:
        kept = {"data": {"key": "AKIAIOSFODNN7EXAMPLE"}}
        desk.cluster.add("/api/v1/namespaces/shop/configmaps/conf", "ConfigMap", **kept)
        patch = """kubectl patch cm/conf -n shop -p '{"data": {"key": "other"}}'"""
        found = desk.done(patch, verification=same_replicas(9))
        assert (found.outcome, found.verdict, found.earlier) == ("executed", "failed", None)
        assert desk.all(Operation, rollback_of=found.operation_id) == []


class TestNoAction:
    def test_succeeds_without_touching_anything_and_without_people(self, desk: Desk) -> None:
        made = desk.propose("NO_ACTION: it heals", incident_id=desk.incident().incident_id)
        assert (made.outcome, made.approval_id, made.run_id) == ("executed", None, None)
        assert desk.cluster.asked == []
        assert desk.all(Approval) == []
        (incident,) = desk.all(Incident)
        assert (incident.status, incident.resolution_id) == ("resolved", made.operation_id)
        desk.tend()
        (entry,) = desk.all(Knowledge)
        assert "observed" in entry.tags
        assert [each.what for each in desk.all(AnomalyDisposition)] == ["no_action"]
        assert desk.all(Playbook) == []
        kinds = {notice.kind for notice in desk.all(Notice)}
        assert kinds == {"operation.ended", "incident.resolved"}

    def test_with_something_to_see_resolves_only_when_it_is_seen(self, desk: Desk) -> None:
        incident = desk.incident()
        wanted = same_replicas(9)
        how = {"incident_id": incident.incident_id, "gateway_id": "cluster"}
        desk.propose("OBSERVE the replicas", verification=wanted, **how)
        desk.tend()
        assert desk.again(incident).status == "investigating"
        desk.propose("OBSERVE the replicas", verification=same_replicas(2), **how)
        desk.tend()
        assert desk.again(incident).status == "resolved"


class TestRejection:
    def test_ends_the_operation_and_is_counted(self, desk: Desk) -> None:
        made = desk.propose(SCALE, incident_id=desk.incident().incident_id)
        desk.decide(made, Decision.REJECT)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.stage) == ("denied", "done")
        assert [each.what for each in desk.all(AnomalyDisposition)] == ["rejected"]
        assert desk.patches() == []
        assert {event.act for event in desk.all(AuditEvent)} >= {"incident.opened"}
