"""A yes is to exactly one action: whatever of it changes, the approval does not fit."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals import tokens
from awooop.errors import Code
from awooop.kit import canonical, ids, tickets
from contracts.models import Family
from gateway import calls, grants, results
from gateway.shapes import Call
from runs import leases, worker
from tests.approvals.conftest import ASKING, Office
from tests.gateway.upstreams.good import Upstream

AT = datetime(2026, 5, 4, 10, tzinfo=UTC)
SAFE = 2**53 - 1
MANY = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
)
ARGUMENTS = st.dictionaries(TEXT, JSON, min_size=1, max_size=5)
ACTION = {
    "project_id": TEXT,
    "agent_id": TEXT,
    "agent_revision": st.uuids(),
    "gateway_id": TEXT,
    "gateway_revision": st.uuids(),
    "tool_name": TEXT,
    "pin_sha256": TEXT,
    "environment": TEXT,
    "arguments": ARGUMENTS,
}
BOUND = ("project_id", "agent_id", "tool", "action", "run_id", "mode")


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are one: numbers by value, and nothing else by likeness."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    kinds = (dict, list, str)
    if isinstance(one, kinds) or isinstance(other, kinds):
        return type(one) is type(other) and bool(one == other)
    return float(one) == float(other)  # integers beyond 2**53 are not among them


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside another, at any depth."""
    found = [at] if at else []
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        found += [place for name, each in inner for place in places(each, (*at, name))]
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments, and what became of them by one change somewhere inside."""
    before = draw(ARGUMENTS)
    after = copy.deepcopy(before)
    *way, last = draw(st.sampled_from(places(before)))
    holder: Any = after
    for name in way:
        holder = holder[name]
    now = holder[last]
    to = draw(
        st.sampled_from([str(now), [now], {"": now}, None, not now, "", 0, [], {}]) | JSON,
        label="becomes",
    )
    kind = draw(st.sampled_from(["set", "drop", "add", "rename", "swap"]))
    if kind == "drop":
        del holder[last]
    elif kind == "add" and isinstance(holder, list):
        holder.insert(last, to)
    elif kind == "rename" and isinstance(holder, dict):
        holder[f"{last}{draw(TEXT)}"] = holder.pop(last)
    elif kind == "swap" and isinstance(holder, list):
        holder.reverse()
    else:
        holder[last] = to
    return before, after


class TestDigest:
    @given(st.fixed_dictionaries(ACTION), st.data())
    @MANY
    def test_of_any_changed_field_is_another(
        self, action: dict[str, Any], data: st.DataObject
    ) -> None:
        name = data.draw(st.sampled_from(sorted(ACTION)))
        other = data.draw(ACTION[name])
        changed = {**action, name: other}
        equal = grants.action_sha256(**action) == grants.action_sha256(**changed)
        assert equal == same(_plain(action[name]), _plain(other))

    @given(pairs())
    @MANY
    def test_of_arguments_changed_at_any_depth_is_another(
        self, pair: tuple[dict[str, Any], dict[str, Any]]
    ) -> None:
        before, after = (canonical.sha256_of(each) for each in pair)
        assert (before == after) == same(*pair)

    @given(st.fixed_dictionaries(ACTION), st.data())
    @MANY
    def test_is_not_moved_over_the_edge_of_a_field(
        self, action: dict[str, Any], data: st.DataObject
    ) -> None:
        """What one field gains and its neighbour loses is seen."""
        texts = [name for name, kind in ACTION.items() if kind is TEXT]
        one, two = data.draw(st.permutations(texts))[:2]
        joined = action[one] + action[two]
        cut = data.draw(st.integers(0, len(joined)))
        moved = {**action, one: joined[:cut], two: joined[cut:]}
        equal = grants.action_sha256(**action) == grants.action_sha256(**moved)
        assert equal == (moved == action)


class TestTicket:
    @given(st.tuples(*[TEXT] * len(BOUND)), st.sampled_from(BOUND), TEXT)
    @MANY
    def test_fits_nothing_that_differs(
        self, values: tuple[str, ...], name: str, other: str
    ) -> None:
        said = dict(zip(BOUND, values, strict=True))
        born = int(AT.timestamp())
        life = {"aud": grants.AUDIENCE, "sub": "s", "jti": "j", "iat": born, "exp": born + 60}
        ticket = tickets.sign({**life, **_bound(said)})
        assert grants.ticket_id(ticket, at=AT, says=_bound(said)) == "j"
        changed = {**said, name: other}
        if changed != said:
            with pytest.raises(tickets.Unfit):
                grants.ticket_id(ticket, at=AT, says=_bound(changed))


class TestKept:
    @pytest.mark.usefixtures("clean")
    @given(ARGUMENTS)
    @MANY
    def test_what_is_kept_until_the_yes_is_the_same_action(self, arguments: Any) -> None:
        """A request's row holds what would leave; made from it, the call has the same digest."""
        leaving = results.outgoing(arguments)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT %s::jsonb::text", [json.dumps(leaving)])
            kept = canonical.revived(json.loads(cursor.fetchone()[0]))
        assert canonical.canonical(results.outgoing(kept)) == canonical.canonical(leaving)


@dataclass
class Desk(Office):
    """An office with an approved call in hand, and whatever its parts might be mistaken for.

    :param approved: the call, under its run's lease and with its ticket.
    :param other: the lease of another run that was approved something.
    """

    approval_id: UUID
    approved: Call
    other: leases.Lease

    def sign(self, **gateway: Any) -> None:
        self.shop.sign(ASKING, **gateway)

    def grant(self, agent_id: str, scopes: list[str]) -> None:
        """Give an agent a contract; all of its tools are those of the shop."""
        tools = [
            {"tool_name": name, "mcp_gateway_id": "shop", "scopes": scopes}
            for name in self.shop.tools
        ]
        self.shop.install(Family.AGENT, agent_id, {"agent_id": agent_id, "tools": tools})


def another_agent(desk: Desk, call: Call) -> Call:
    desk.grant("twin", ["read", "write"])
    return replace(call, agent_id="twin")


def new_agent_contract(desk: Desk, call: Call) -> Call:
    desk.grant(call.agent_id, ["read", "write"])
    return call


def new_gateway_contract(desk: Desk, call: Call) -> Call:
    desk.sign(description="moved")
    return call


def new_pin(desk: Desk, call: Call) -> Call:
    definition = {"name": "write", "description": "More.", "inputSchema": {"type": "object"}}
    desk.shop.offer("write", definition, is_destructive=True, scope="write")
    desk.sign()
    return call


CHANGES: dict[str, Callable[[Desk, Call], Call]] = {
    "an argument": lambda _, call: replace(call, arguments={"n": [{"deep": 2}]}),
    "an argument's type": lambda _, call: replace(call, arguments={"n": [{"deep": "1"}]}),
    "an argument more": lambda _, call: replace(call, arguments={**call.arguments, "x": None}),
    "no arguments": lambda _, call: replace(call, arguments={}),
    "the tool": lambda _, call: replace(call, tool="rewrite__shop"),
    "a tool that reads": lambda _, call: replace(call, tool="echo__shop"),
    "the environment": lambda _, call: replace(call, environment="staging"),
    "the run": lambda desk, call: replace(call, run_id=desk.other.run_id, epoch=desk.other.epoch),
    "no run": lambda _, call: replace(call, run_id=None, epoch=None, is_shadow=None),
    "the epoch": lambda _, call: replace(call, epoch=(call.epoch or 0) - 1),
    "the project": lambda _, call: replace(call, project_id="mall", home_id="mall"),
    "another's project": lambda _, call: replace(call, home_id="mall"),
    "the agent": another_agent,
    "the agent's contract": new_agent_contract,
    "the gateway's contract": new_gateway_contract,
    "the tool's definition": new_pin,
}
ELSEWHERE = {"the epoch": Code.RUN_LEASE_LOST} | dict.fromkeys(
    ["the project", "another's project"], Code.GATE_TENANT
)


class TestCall:
    def test_that_is_not_what_was_approved_reaches_nobody(
        self, desk: Desk, upstream: Upstream
    ) -> None:
        told = {}
        for name, change in CHANGES.items():
            changed = replace(change(desk, desk.approved), call_id=ids.new_id())
            told[name] = calls.call_tool(changed).code
        assert told == dict.fromkeys(CHANGES, Code.GATE_APPROVAL) | ELSEWHERE
        assert upstream.calls == []

    def test_that_is_what_was_approved_reaches_its_tool_in_time(
        self, desk: Desk, upstream: Upstream
    ) -> None:
        for seconds, code in ((901, Code.GATE_APPROVAL), (0, None), (0, Code.EFFECT_DONE)):
            at = timezone.now() - timedelta(seconds=seconds)
            ticket = tokens.issue(desk.approval(desk.approval_id), at=at)
            call = replace(desk.approved, ticket=ticket, call_id=ids.new_id())
            assert calls.call_tool(call).code is code
        assert len(upstream.calls) == 1


@pytest.fixture
def desk(office: Office, upstream: Upstream) -> Desk:
    shop = office.shop
    places_ = [{"name": "production"}, {"name": "staging"}]
    body = {"project_id": "shop", "display_name": "Shop", "environments": places_}
    shop.install(Family.PROJECT, "shop", body)
    upstream.tool("rewrite", "written")
    shop.offer("rewrite", upstream.tools["rewrite"].definition, is_destructive=True, scope="write")
    shop.sign(ASKING)
    call = shop.call("write", {"n": [{"deep": 1}]}, environment="production")
    asked = calls.call_tool(call).asked
    other = calls.call_tool(replace(call, arguments={}, call_id=ids.new_id())).asked
    assert asked is not None
    assert other is not None
    for each in (asked, other):
        office.decide(each.approval_id, "ann")
    worker.reap()
    held = {lease.run_id: lease for lease in leases.claim(worker="w", batch=2)}
    lease = held[asked.run_id]
    ticket = tokens.issue(office.approval(asked.approval_id), at=timezone.now())
    whose = {"run_id": lease.run_id, "epoch": lease.epoch, "is_shadow": False}
    approved = replace(call, **whose, ticket=ticket)
    return Desk(shop, asked.approval_id, approved, held[other.run_id])


def _bound(said: dict[str, str]) -> dict[str, Any]:
    return grants.bound(**said)  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
