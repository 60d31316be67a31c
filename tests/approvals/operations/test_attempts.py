"""Which errors pass by themselves; and how often, how far apart and by which ticket it is tried."""

import pytest
from django.db import DatabaseError

from approvals.operations import attempts
from approvals.operations.models import Ticket
from awooop.errors import Code
from gateway import hub
from gateway.models import Effect
from tests.approvals.operations.conftest import NGINX, SCALE, WEB, Desk


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
