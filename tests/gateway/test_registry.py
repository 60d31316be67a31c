"""Tools as servers list them: what waits, what is released, what stops, and what returns."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from awooop.audit import store
from awooop.errors import Code, Conflict, Invalid, NotFound
from awooop.kit import redis
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from contracts import lifecycle, queries
from contracts.models import Family
from gateway import catalog, hub, registry
from gateway.models import Generation, Provider, Standing, Tool
from gateway.providers.base import Failed, Listing
from gateway.registry import announcing, due, listing, pins, refreshing
from gateway.registry.asking import Asked

GATEWAY = "observability"
READ = {"is_destructive": False, "scope": "read"}


def definition(name, description="Looks.", **more):
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


def contract(*tools, url="http://127.0.0.1:9/mcp", **body):
    body = {
        "provider": GATEWAY,
        "transport": {"kind": "streamable_http", "url": url},
        "private_addresses": ["127.0.0.1/32"],
        "tools": [{"tool_name": name, **READ, **more} for name, more in tools],
        **body,
    }
    with tenant_tx("acme"):
        lifecycle.install("acme", Family.MCP_GATEWAY, GATEWAY, body, actor="t", at=timezone.now())
    queries.forget()
    return Asked("acme", GATEWAY, queries.of_project("acme")["mcp_gateway", GATEWAY])


@pytest.fixture
def offer(tenant) -> Callable[..., registry.Refreshed]:
    """Writes down what a server lists, under a contract that names two of the tools."""
    asked = contract(("get_pods", {}), ("list_alerts", {}))

    def write(*tools, asked=asked, instructions="", faults=(), at=None):
        answer = Listing("s", "1", instructions, tools, faults)
        return refreshing.write(asked, answer, actor="test", at=at or timezone.now())

    return write


def tool(name="get_pods"):
    with tenant_tx("acme"):
        return Tool.objects.get(gateway_id=GATEWAY, tool_name=name)


def provider():
    with tenant_tx("acme"):
        return Provider.objects.get(gateway_id=GATEWAY)


def release(name="get_pods", pin=None):
    with tenant_tx("acme"):
        return registry.release(
            "acme",
            GATEWAY,
            name,
            pin_sha256=pin or Tool.objects.get(tool_name=name).seen_sha256,
            actor="operator:ann",
            at=timezone.now(),
        )


def suspend(name="get_pods"):
    with tenant_tx("acme"):
        return registry.suspend("acme", GATEWAY, name, actor="operator:ann", at=timezone.now())


def acts():
    return [
        (link.event.act, link.event.target)
        for link in store.links("acme", upto=store.head("acme").seq)
        if link.event.act.startswith("tool.")
    ]


def generation():
    with tenant_tx("acme"):
        return Generation.objects.get().number


class TestRefresh:
    def test_quarantines_what_it_sees_for_the_first_time(self, offer):
        told = offer(definition("get_pods"), definition("drop_table"))
        assert (told.quarantined, told.released) == (["get_pods", "drop_table"], [])
        assert tool().standing == Standing.QUARANTINED
        assert tool().definition is None
        assert acts() == []

    def test_keeps_the_whole_definition_and_the_instructions(self, offer):
        whole = definition("get_pods", title="Pods", _meta={"a": 1}, icons=[], novel={"b": [1.5]})
        offer(whole, instructions="Be kind.")
        assert tool().seen == whole
        assert (tool().seen_instructions, provider().instructions) == ("Be kind.", "Be kind.")

    def test_releases_what_the_contract_pins(self, offer):
        pin = pins.of(definition("get_pods"), "Be kind.")
        asked = contract(("get_pods", {"description_sha256": pin}), ("list_alerts", {}))
        told = offer(definition("get_pods"), instructions="Be kind.", asked=asked)
        assert told.released == ["get_pods"]
        assert (tool().standing, tool().released_by) == (Standing.RELEASED, "contract")
        assert acts() == [("tool.released", f"{GATEWAY}/get_pods")]

    def test_releases_what_the_platform_itself_defines(self, offer):
        transport = {"kind": "kubernetes", "namespaces": ["shop"]}
        offer(definition("get_pods"), asked=contract(("get_pods", {}), transport=transport))
        assert (tool().standing, tool().released_by) == (Standing.RELEASED, "platform")

    def test_suspends_a_changed_tool_alone(self, offer):
        offer(definition("get_pods"), definition("list_alerts"))
        release("get_pods")
        release("list_alerts")
        told = offer(definition("get_pods", "Sends them away."), definition("list_alerts"))
        assert told.suspended == ["get_pods"]
        assert tool("list_alerts").standing == Standing.RELEASED
        assert tool().definition["description"] == "Looks."
        assert tool().seen["description"] == "Sends them away."
        assert acts()[-1] == ("tool.suspended", f"{GATEWAY}/get_pods")

    def test_suspends_every_tool_when_the_instructions_change(self, offer):
        offer(definition("get_pods"), definition("list_alerts"))
        release()
        told = offer(definition("get_pods"), definition("list_alerts"), instructions="Obey.")
        assert told.suspended == ["get_pods"]
        assert "Obey." in registry.of_tool(tool())
        assert provider().faults == ["its instructions changed after its tools were released"]
        release()
        offer(definition("get_pods"), definition("list_alerts"), instructions="Obey.")
        assert provider().faults == []

    def test_releases_again_what_returns_to_what_was_released(self, offer):
        offer(definition("get_pods"))
        release()
        offer(definition("get_pods", "Else."))
        assert offer(definition("get_pods")).released == ["get_pods"]
        assert tool().standing == Standing.RELEASED
        assert tool().released_by == "operator:ann"

    def test_marks_what_vanished_and_what_came_back(self, offer):
        offer(definition("get_pods"), definition("list_alerts"))
        release()
        assert offer(definition("list_alerts")).gone == ["get_pods"]
        assert tool().standing == Standing.GONE
        assert offer(definition("get_pods"), definition("list_alerts")).released == ["get_pods"]
        offer(definition("list_alerts"))
        assert offer(definition("get_pods", "Else.")).suspended == ["get_pods"]

    def test_takes_a_listing_with_holes_for_no_proof_of_absence(self, offer):
        offer(definition("get_pods"), definition("list_alerts"))
        offer(definition("list_alerts"), faults=["page 2 could not be read"])
        assert tool().standing == Standing.QUARANTINED
        assert provider().faults == ["page 2 could not be read"]

    def test_never_lifts_what_an_operator_suspended(self, offer):
        pin = pins.of(definition("get_pods"), "")
        asked = contract(("get_pods", {"description_sha256": pin}))
        offer(definition("get_pods"), asked=asked)
        suspend()
        offer(definition("get_pods"), asked=asked)
        offer(asked=asked)
        offer(definition("get_pods"), asked=asked)
        assert tool().standing == Standing.SUSPENDED

    def test_notices_a_new_name_for_an_old_tool(self, offer):
        text = "Lists the pods of one namespace with their state, restarts and age."
        offer(definition("get_pods", text))
        offer(definition("list_pods", text), definition("restart", "Starts a thing again."))
        assert tool("list_pods").renamed_from == "get_pods"
        assert tool("list_pods").standing == Standing.QUARANTINED
        assert tool("restart").renamed_from is None

    def test_writes_only_the_time_when_nothing_changed(self, offer):
        offer(definition("get_pods"))
        release()
        before, number, seen = provider(), generation(), tool().last_seen_at
        offer(definition("get_pods"))
        assert provider().listed_at > before.listed_at
        assert (generation(), tool().last_seen_at, len(acts())) == (number, seen, 1)

    def test_ignores_an_answer_older_than_what_is_known(self, offer):
        early = timezone.now()
        offer(definition("get_pods", "New."))
        assert offer(definition("get_pods", "Old."), at=early).is_late
        assert tool().seen["description"] == "New."

    def test_keeps_the_tools_of_a_server_that_cannot_be_listed(self, offer):
        offer(definition("get_pods"))
        reason = Failed(Code.UPSTREAM_AWAY, "refused", sent=False)
        asked = contract(("get_pods", {}))
        told = refreshing.write(asked, reason, actor="t", at=timezone.now())
        assert told.error is Code.UPSTREAM_AWAY
        assert tool().standing == Standing.QUARANTINED
        assert (provider().error_code, provider().error_detail) == ("E-MCP-UP-001", "refused")
        offer(definition("get_pods"))
        assert provider().error_code is None

    def test_leaves_the_neighbours_of_a_hostile_schema_usable(self, offer):
        deep = {"type": "object", "properties": {"a": {"$ref": "https://example.org/x"}}}
        offer(definition("get_pods", inputSchema=deep), definition("list_alerts"))
        assert tool().warnings[0]["kind"] == listing.UNUSABLE
        with pytest.raises(Invalid) as refusal:
            release("get_pods")
        assert refusal.value.code is Code.TOOL_UNFIT
        assert release("list_alerts").standing == Standing.RELEASED

    def test_asks_the_server_itself(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        told = registry.refresh("acme", GATEWAY, actor="test", at=timezone.now())
        assert told.quarantined == ["echo", "slow", "fail"]
        assert (provider().server_name, provider().tool_count) == ("good", 3)

    def test_refuses_what_has_no_server(self, tenant):
        with pytest.raises(NotFound):
            registry.refresh("acme", "none", actor="t", at=timezone.now())
        contract(("get_pods", {}), transport=None)
        with pytest.raises(Invalid):
            registry.refresh("acme", GATEWAY, actor="t", at=timezone.now())

    def test_serialises_those_who_write_at_once(self, offer):
        def write():
            try:
                offer(definition("get_pods"), definition("list_alerts"))
            finally:
                connections.close_all()

        threads = [Thread(target=write) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
        with tenant_tx("acme"):
            assert Tool.objects.count() == 2
        assert generation() == 2


class TestListing:
    @pytest.mark.parametrize(
        ("tools", "fault"),
        [
            ([definition("a"), definition("a", "Other.")], "a: 2 tools have this name"),
            ([definition("../../etc/passwd")], "reads as a path"),
            ([definition("get pods")], "other characters"),
            ([definition("get\u200bpods")], "get⟨U+200B⟩pods: its name holds characters"),
            ([definition("get_p\u043eds")], "passes for get_pods"),
            ([definition("get_p0ds")], "it can be taken for get_pods"),
            ([definition("delete__cluster")], "underscores"),
            ([definition("x" * 129)], "longer than 128"),
            ([definition("big", "x" * 65_536)], "larger than 64 KiB"),
            ([definition("nul", "a\0b")], "NUL"),
            ([definition("inf", x=float("inf"))], "finite"),
            ([{"description": "nameless"}], "no name"),
            (["text"], "no name"),
        ],
    )
    def test_refuses_what_cannot_be_told_apart_or_kept(self, tools, fault):
        answer = Listing(tools=(*tools, definition("list_alerts")))
        found = listing.sort(answer, contracted={"get_pods"}, known={})
        assert fault in " ".join(found.faults)
        assert list(found.tools) == ["list_alerts"]

    def test_is_bounded_and_has_room_for_the_contract(self):
        crowd = tuple(definition(f"tool_{n}") for n in range(10_000))
        answer = Listing(tools=(*crowd, definition("get_pods")))
        found = listing.sort(answer, contracted={"get_pods"}, known={})
        assert len(found.tools) == listing.MOST
        assert "get_pods" in found.tools
        assert found.faults == ("8001 more tools are not kept: 2000 are the most",)

    def test_counts_what_is_gone_against_the_bound(self):
        known = {f"old_{n}" for n in range(listing.MOST)}
        answer = Listing(tools=(definition("new"), definition("get_pods")))
        found = listing.sort(answer, contracted={"get_pods"}, known=known)
        assert list(found.tools) == ["get_pods"]


class TestPin:
    @pytest.mark.parametrize(
        "change",
        [
            {"annotations": {"readOnlyHint": True}},
            {"_meta": {"version": 2}},
            {"inputSchema": {"type": "object", "properties": {"all": {"type": "boolean"}}}},
            {"outputSchema": {"type": "object"}},
            {"title": "Pods"},
            {"novel": 1},
        ],
    )
    def test_is_another_after_any_change(self, change):
        assert pins.of(definition("a"), "") != pins.of({**definition("a"), **change}, "")

    def test_is_another_under_other_instructions(self):
        assert pins.of(definition("a"), "") != pins.of(definition("a"), "Obey.")


class TestRelease:
    def test_wants_the_definition_that_was_looked_at(self, offer):
        offer(definition("get_pods"))
        looked_at = tool().seen_sha256
        offer(definition("get_pods", "Changed in between."))
        with pytest.raises(Conflict) as refusal:
            release(pin=looked_at)
        assert refusal.value.code is Code.TOOL_CHANGED
        assert tool().standing == Standing.QUARANTINED

    def test_leaves_evidence_once(self, offer):
        offer(definition("get_pods"))
        release()
        release()
        assert acts() == [("tool.released", f"{GATEWAY}/get_pods")]
        assert (tool().released_by, tool().pin_sha256) == ("operator:ann", tool().seen_sha256)

    def test_refuses_what_was_never_listed_or_is_gone(self, offer):
        with pytest.raises(NotFound):
            release("nothing", pin="0" * 64)
        offer(definition("get_pods"))
        offer()
        with pytest.raises(Conflict):
            release()

    def test_lets_go_what_an_operator_suspended(self, offer):
        offer(definition("get_pods"))
        release()
        suspend()
        assert acts()[-1][0] == "tool.suspended"
        release()
        assert (tool().standing, tool().suspended_by) == (Standing.RELEASED, None)

    def test_opens_and_closes_the_tool_to_agents(self, offer):
        def refusal():
            bodies = queries.of_project("acme")
            number = generation()
            return catalog.of_project("acme", bodies, number).by_place[GATEWAY, "get_pods"].refusal

        offer(definition("get_pods"))
        assert refusal() == "no operator has released it yet"
        release()
        assert refusal() is None
        suspend()
        assert refusal() == "an operator suspended it"


class TestReleaseAll:
    def test_leaves_what_needs_a_closer_look(self, offer):
        offer(
            definition("get_pods"),
            definition("list_alerts", "Looks.\u200b"),
            definition("held"),
            definition("other"),
        )
        suspend("held")
        with tenant_tx("acme"):
            done = registry.release_all(
                "acme",
                GATEWAY,
                actor="t",
                at=timezone.now(),
                only={"get_pods", "list_alerts", "held"},
            )
        assert done == ["get_pods"]
        assert tool("other").standing == Standing.QUARANTINED


class TestDue:
    def test_asks_first_whom_it_never_asked_and_each_once(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        assert due.refresh_due(at=timezone.now()) == 1
        assert due.refresh_due(at=timezone.now()) == 0
        assert upstream.listings == 1
        later = timezone.now() + timedelta(seconds=settings.GATEWAY_REFRESH_SECONDS + 1)
        assert due.refresh_due(at=later) == 1

    def test_asks_at_once_under_a_new_contract(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        due.refresh_due(at=timezone.now())
        contract(("echo", {}), ("slow", {}), url=upstream.url)
        assert due.refresh_due(at=timezone.now()) == 1

    def test_leaves_projects_alone_that_are_off(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        with tenant_tx("acme"):
            Project.objects.update(is_active=False)
        assert due.refresh_due(at=timezone.now()) == 0

    def test_gives_a_gateway_to_one_of_two(self, tenant):
        contract(("echo", {}))
        at = timezone.now()
        claims = [due._claim("acme", GATEWAY, None, at) for _ in range(2)]
        assert claims == [True, False]

    def test_asks_whoever_announces_changes_at_most_every_few_seconds(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        at = timezone.now()
        asked = [
            due.refresh_one("acme", GATEWAY, at=at + timedelta(seconds=s)) for s in (0, 1, 4, 9)
        ]
        assert asked == [1, 0, 0, 1]

    def test_makes_nothing_of_a_gateway_that_no_contract_names(self, tenant):
        assert due.refresh_one("acme", "invented", at=timezone.now()) == 0
        assert due.refresh_one("nobody", GATEWAY, at=timezone.now()) == 0
        with tenant_tx("acme"):
            assert not Provider.objects.exists()

    def test_survives_a_server_that_is_away(self, tenant):
        contract(("echo", {}))
        assert due.refresh_due(at=timezone.now()) == 1
        assert provider().error_code == "E-MCP-UP-001"


class TestAnnouncements:
    def test_reach_a_worker(self, clean):
        assert announcing.hear in hub._callbacks
        announcing.hear("acme", GATEWAY)
        (message,) = redis.client().lrange("awooop", 0, -1)
        assert json.loads(message)["headers"]["task"] == "gateway.refresh_one"


class TestEnsureListed:
    def test_asks_once_for_all_who_wait(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        bodies = queries.of_project("acme")
        due.forget()
        registry.ensure_listed("acme", bodies, 5)
        registry.ensure_listed("acme", bodies, 5)
        assert upstream.listings == 1
        assert tool("echo").standing == Standing.QUARANTINED

    def test_asks_nobody_for_a_project_that_is_off(self, tenant, upstream):
        contract(("echo", {}), url=upstream.url)
        with tenant_tx("acme"):
            Project.objects.update(is_active=False)
        due.forget()
        registry.ensure_listed("acme", queries.of_project("acme"), 5)
        assert upstream.listings == 0

    def test_does_not_wait_twice_for_a_server_that_is_away(self, tenant):
        contract(("echo", {}))
        bodies = queries.of_project("acme")
        registry.ensure_listed("acme", bodies, 1)
        tried = provider().tried_at
        registry.ensure_listed("acme", bodies, 1)
        assert provider().tried_at == tried
