"""The log of operations: open before anything is sent, closed with what came of it, in bounds."""

from typing import Any

import pytest
from django.db import DatabaseError

from approvals.models import Approval
from approvals.operations import attempts, oplog
from approvals.operations.models import Notice, Operation
from awooop.errors import Code, Invalid
from awooop.kit import ids
from gateway.models import Status
from gateway.shapes import Result
from runs import tools
from runs.models import Run
from tests.approvals.operations.conftest import NGINX, SCALE, WEB, Desk, grant
from tests.peers.ssh_server import Said


class TestOpening:
    def test_is_written_before_anything_is_sent(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        before, call = [], tools.call

        def seen(*asked: Any, **how: Any) -> Any:
            before.append((desk.operation(made), list(desk.host.lines)))
            return call(*asked, **how)

        monkeypatch.setattr(tools, "call", seen)
        desk.work()
        ((row, lines),) = before
        assert (row.stage, row.outcome, row.attempts) == ("open", "", 1)
        assert row.opened_at is not None
        assert not any("restart" in line for line in lines)
        assert (row.action, row.arguments) == (NGINX, {"host": "web", "unit": "nginx"})
        assert (row.risk, row.requested_by, row.approval_id) == (
            "medium",
            "operator:eve",
            made.approval_id,
        )

    def test_of_what_cannot_be_read_leaves_no_row_and_asks_nobody(self, desk: Desk) -> None:
        desk.cluster.asked.clear()
        for action in ("", "restart everything", "kubectl delete pod x -n shop"):
            with pytest.raises(Invalid) as refused:
                desk.propose(action, incident_id=desk.incident().incident_id)
            assert refused.value.code is Code.ACTION_UNREAD
        assert desk.all(Operation) == desk.all(Approval) == desk.all(Run) == desk.all(Notice) == []
        assert (desk.cluster.asked, desk.host.lines) == ([], [])

    def test_of_what_only_reads_needs_no_people(self, desk: Desk) -> None:
        made = desk.propose("kubectl get deploy/web -n shop")
        assert made.approval_id is None
        desk.work()
        assert desk.operation(made).outcome == "executed"


class TestClosing:
    def test_keeps_the_beginning_of_a_long_error(self, desk: Desk) -> None:
        desk.host.said["restart"] = Said(err="no room " * 2_000, status=1)
        found = desk.done(NGINX)
        assert found.error.startswith("[stderr]\nno room")
        assert found.stderr.startswith("no room")
        assert 1_000 < len(found.error) <= oplog.LONGEST_ERROR
        assert oplog.LONGEST_ERROR < len(found.stderr) <= oplog.LONGEST_STDERR

    def test_never_says_nothing_of_an_error(self) -> None:
        silent = ({"type": "text", "text": " \n"}, {"type": "image"})
        for content in ((), silent):
            ended = Result(call_id=ids.new_id(), status=Status.ERROR, content=content)
            assert attempts.said(ended) == "the tool says that it failed, and not why"

    def test_ends_the_run_as_the_action_ended(self, desk: Desk) -> None:
        done = desk.done(NGINX)
        desk.cluster.answers[WEB + "/scale"] = (403, "deployments is forbidden")
        failed = desk.done(SCALE)
        for each, state in ((done, "completed"), (failed, "failed")):
            assert desk.all(Run, run_id=each.run_id)[0].state == state

    def test_tells_what_the_gateway_refused_at_that_time(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        grant(desk.agent_id, without=lambda name: name == "ssh_systemctl_restart")
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.error_code) == ("denied", Code.GATE_TOOL.value)
        assert found.error
        assert desk.host.lines == []

    def test_happens_once(self, desk: Desk) -> None:
        found = desk.done(NGINX)
        for change in ("outcome = 'error'", "outcome = ''"):
            with pytest.raises(DatabaseError):
                desk.sql(f"UPDATE awooop_operation SET {change}")
        (notice,) = desk.all(Notice, kind="operation.ended")
        told = {name: notice.payload[name] for name in ("outcome", "attempts", "duration_ms")}
        assert told == {"outcome": "executed", "attempts": 1, "duration_ms": found.duration_ms}
