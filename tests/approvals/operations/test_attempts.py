"""Which errors pass by themselves; and how often, how far apart and by which ticket it is tried."""

import time
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from approvals.operations import attempts
from approvals.operations.models import Ticket
from approvals.operations.proposals import Proposed
from awooop.errors import Code
from contracts.models import Family
from gateway import hub, rates
from gateway.models import Effect
from runs.models import Run
from tests.approvals import clock
from tests.approvals.operations.conftest import ASKING, NGINX, SCALE, WEB, Desk, install


class TestIsTransient:
    @pytest.mark.parametrize(
        "said",
        ["Connection refused", "connection reset by peer", "timeout awaiting headers", "timed out",
         "i/o error", "IO error", "temporary failure in name resolution", "service unavailable",
         "too many requests", "dial tcp 10.0.0.1:443", "unexpected EOF"],
    )  # fmt: skip
    def test_takes_each_word_of_a_passing_cause(self, said: str) -> None:
        assert attempts.is_transient(said)

    @pytest.mark.parametrize(
        "said",
        ["not found", "forbidden", "permission denied", "unauthorized", "already exists", "invalid",
         "immutable", "destructive", "blocked"],
    )  # fmt: skip
    def test_lets_one_word_of_a_lasting_cause_win(self, said: str) -> None:
        assert not attempts.is_transient(f"connection refused ({said})", Code.UPSTREAM_AWAY)

    def test_knows_the_gateways_own_codes(self) -> None:
        assert attempts.is_transient("the connection was cut", Code.UPSTREAM_AWAY)
        assert not attempts.is_transient("", None)
        assert not attempts.is_transient("the credential is away", Code.CREDENTIAL_AWAY)
        assert not attempts.is_transient("what is thereof", None)


class TestIsDueAgain:
    def test_a_read_that_failed_on_the_way_is_asked_again(self, desk: Desk) -> None:
        desk.cluster.answers[WEB] = "die"
        found = desk.done("kubectl get deploy/web -n shop")
        assert (found.outcome, found.attempts) == ("error", 3)
        assert desk.all(Effect) == []

    def test_a_read_of_what_is_not_there_is_not_asked_again(self, desk: Desk) -> None:
        found = desk.done("kubectl get deploy/nothing -n shop")
        assert (found.outcome, found.attempts) == ("error", 1)
        assert "not found" in found.error.lower()

    def test_a_write_that_was_answered_is_not_sent_again(self, desk: Desk) -> None:
        desk.cluster.answers[WEB + "/scale"] = (429, "too many requests")
        found = desk.done(SCALE)
        assert (found.outcome, found.attempts) == ("error", 1)
        assert len(desk.patches()) == 1

    def test_a_server_that_is_away_costs_no_ticket(self, desk: Desk) -> None:
        made = desk.propose(SCALE, verification=None)
        desk.decide(made)
        desk.cluster.answers["/version"] = "die"
        hub.the().forget()
        desk.work()
        assert desk.operation(made).attempts == 3
        assert desk.all(Effect) == []
        assert desk.all(Ticket) == []


def too_fast() -> None:
    """Let this minute and the next have had all their calls of the tool that restarts units."""
    install(Family.POLICY, "default", {**ASKING, "rate_limits": {"per_tool_per_minute": 1}})
    for minute in (0, 60):
        rates.spend("ops", {"tool:hosts/ssh_systemctl_restart": 9}, now=time.time() + minute)


class TestTooFast:
    def approved(self, desk: Desk, **how: object) -> Proposed:
        made = desk.propose(NGINX, **how)
        desk.decide(made)
        too_fast()
        return made

    def test_waits_for_the_rate_and_is_then_done(self, desk: Desk) -> None:
        made = self.approved(desk)
        late = desk.all(Run, run_id=made.run_id)[0].timeout_at
        desk.work()
        found, approval = desk.operation(made), desk.approval(made)
        assert (found.stage, found.outcome, found.attempts) == ("resting", "", 0)
        wait = found.due_at - timezone.now()
        assert timedelta(0) < wait <= timedelta(seconds=60)
        assert (approval.disposition, approval.ended_at) == ("", None)
        (run,) = desk.all(Run, run_id=made.run_id)
        assert run.state == "waiting_tool"
        assert run.timeout_at - late > wait
        desk.work()
        desk.tend()
        assert desk.operation(made).stage == "resting"
        install(Family.POLICY, "default", ASKING)
        desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
        desk.tend()
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.attempts) == ("executed", 1)
        assert desk.approval(made).disposition == "approved-executed"
        assert sum("restart" in line for line in desk.host.lines) == 1

    def test_waits_more_often_than_it_may_be_tried(self, desk: Desk) -> None:
        made = self.approved(desk)
        for _ in range(attempts.MOST + 1):
            desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
            desk.work()
            assert desk.operation(made).stage == "resting"
            desk.sql("UPDATE awooop_operation SET due_at = clock_timestamp()")
            desk.tend()
        assert desk.operation(made).attempts == 0

    def test_ends_with_the_approvals_own_time(self, desk: Desk) -> None:
        made = self.approved(desk)
        clock.overdue(made.approval_id, 0.5)
        desk.work()
        found = desk.operation(made)
        assert (found.outcome, found.error_code) == ("denied", Code.GATE_RATE.value)
        assert desk.approval(made).disposition == "denied-not-executed"
        assert desk.host.lines == []

    def test_of_what_nobody_was_asked_about_ends_with_its_run(self, desk: Desk) -> None:
        lax = {**ASKING, "approval": {"required_scopes": []}}
        install(Family.POLICY, "default", lax)
        made = desk.propose(NGINX, auto_approved=True)
        too_fast()
        install(Family.POLICY, "default", {**lax, "rate_limits": {"per_tool_per_minute": 1}})
        late = desk.all(Run, run_id=made.run_id)[0].timeout_at
        desk.work()
        assert desk.operation(made).stage == "resting"
        (run,) = desk.all(Run, run_id=made.run_id)
        assert (run.state, run.timeout_at) == ("waiting_tool", late)


class TestTickets:
    """What the database itself refuses."""

    def _ticket(self, desk: Desk, approval_id: object, number: int = 2) -> None:
        desk.sql(
            "INSERT INTO awooop_approval_ticket VALUES ('ops', %s, %s, %s, now())",
            approval_id,
            number,
            f"further-{number}",
        )

    def test_no_further_one_while_the_first_may_open_something(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        with pytest.raises(DatabaseError):
            self._ticket(desk, made.approval_id)  # nobody has said yes
        desk.decide(made)
        with pytest.raises(DatabaseError):
            self._ticket(desk, made.approval_id)  # the first was not burned
        desk.work()
        with pytest.raises(DatabaseError):
            self._ticket(desk, made.approval_id)  # it was, and opened something
        assert desk.all(Ticket) == []

    def test_no_fourth_one_and_none_that_is_burned_twice(self, desk: Desk) -> None:
        made = desk.propose(NGINX)
        desk.decide(made)
        desk.host.most_channels = 0
        desk.work()  # three burned tickets, nothing sent
        tickets = [desk.approval(made).ticket_id, *(each.ticket_id for each in desk.all(Ticket))]
        assert len(set(tickets)) == 3
        (first, *_) = desk.all(Effect)
        copied = (
            "INSERT INTO awooop_tool_effect (project_id, effect_id, agent_id, actor, trace_id,"
            " gateway_id, tool_name, environment, arguments, args_sha256, action_sha256, ticket_id,"
            " outcome, note, claimed_at, expires_at)"
            " SELECT project_id, gen_random_uuid(), agent_id, actor, trace_id, gateway_id,"
            " tool_name, environment, arguments, args_sha256, %s, %s,"
            " 'claimed', '', now(), now() FROM awooop_tool_effect WHERE effect_id = %s"
        )
        for number in (2, 3, 4, 9):  # nothing follows an approval that has ended
            with pytest.raises(DatabaseError):
                self._ticket(desk, made.approval_id, number)
        for each in tickets:
            with pytest.raises(DatabaseError):
                desk.sql(copied, "other", each, first.effect_id)

    def test_an_effect_that_was_sent_cannot_be_said_to_have_stayed(self, desk: Desk) -> None:
        desk.done(NGINX)
        for change in ("is_unsent = true", "outcome = 'error', is_unsent = true"):
            with pytest.raises(DatabaseError):
                desk.sql(f"UPDATE awooop_tool_effect SET {change}, resolved_by = 'x'")
