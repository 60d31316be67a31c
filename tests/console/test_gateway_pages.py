"""The gateway in the console: who sees and does what with providers, tools, calls and effects."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from awooop.kit import db, ids
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Role
from gateway.models import Effect, Outcome, Provider, Standing, Status, Tool, ToolCall

HOME = "/admin/gateways/"
AT = "/admin/gateways/acme/observability/"
CALLS, EFFECTS, WAITING = "/admin/calls/", "/admin/effects/", "/admin/quarantine/"
ANY_ID = "01a1fe1b-0000-7000-8000-000000000000"
ZH = {"headers": {"Accept-Language": "zh-TW"}}
PIN = "ab" * 32
PAGES = (HOME, WAITING, CALLS, EFFECTS)


def text(answer):
    return unescape(answer.content.decode())


def place_provider(project="acme", **facts):
    now = timezone.now()
    facts = {"server_name": "shop", "server_version": "1.2", "listed_at": now, **facts}
    with tenant_tx(project):
        Provider.objects.create(
            project_id=project, gateway_id="observability", tried_at=now, **facts
        )


def place_tool(name="get_pods", project="acme", standing=Standing.QUARANTINED, **facts):
    now = timezone.now()
    seen = facts.pop("seen", {"name": name, "description": "List the pods."})
    with tenant_tx(project):
        return Tool.objects.create(
            project_id=project, gateway_id="observability", tool_name=name, standing=standing,
            seen=seen, seen_sha256=facts.pop("seen_sha256", PIN), first_seen_at=now,
            last_seen_at=now, **facts,
        )  # fmt: skip


def place_call(project="acme", status=Status.SUCCESS, **facts):
    facts = {"tool_name": "get_pods__observability", "agent_id": "sre-agent", **facts}
    with tenant_tx(project):
        return ToolCall.objects.create(
            project_id=project, actor="key:abc", gateway_id="observability", is_shadow=False,
            result_status=status, args_sha256="0" * 64, latency_ms=12,
            created_at=timezone.now(), **facts,
        )  # fmt: skip


def place_effect(project="acme", outcome=Outcome.UNKNOWN, **facts):
    made = ids.new_id()
    facts = {"tool_name": "restart_deployment__observability", **facts}
    with tenant_tx(project):
        Effect.objects.create(
            project_id=project, effect_id=made, agent_id="sre-agent", actor="key:abc",
            gateway_id="observability", arguments='{"name":"web"}', args_sha256="0" * 64,
            action_sha256=made.hex * 2, claimed_at=timezone.now(),
            expires_at=timezone.now() + timedelta(seconds=40), **facts,
        )  # fmt: skip
        if outcome != Outcome.CLAIMED:
            Effect.objects.filter(effect_id=made).update(outcome=outcome, resolved_by="reaper")
    return made


def standing(name="get_pods"):
    with tenant_tx("acme"):
        return Tool.objects.get(tool_name=name).standing


def outcome(effect_id):
    with tenant_tx("acme"):
        found = Effect.objects.get(effect_id=effect_id)
    return found.outcome, found.note, found.resolved_by


@pytest.fixture
def viewer(tenant, signed_in):
    return signed_in(platform_role=Role.VIEWER)


@pytest.fixture
def admin(tenant, signed_in):
    return signed_in(member_of=["acme"], role=Role.ADMIN)


@pytest.fixture
def approver(tenant, signed_in):
    return signed_in(name="zoe", member_of=["acme"], role=Role.APPROVER)


class TestEveryPage:
    def test_is_empty_with_a_word_of_why(self, viewer):
        for path, words in (
            (HOME, "observability"),
            (WAITING, "Nothing waits for release"),
            (CALLS, "No calls yet"),
            (EFFECTS, "Every outcome is known"),
            (AT, "No tools seen yet"),
        ):
            answer = viewer.get(path)
            assert answer.status_code == 200, path
            assert words in text(answer), path

    def test_tells_a_person_without_any_role_so(self, tenant, signed_in):
        client = signed_in()
        for path in PAGES:
            assert "No project is open to you yet" in text(client.get(path))

    def test_of_another_project_looks_missing(self, new_tenant, signed_in):
        new_tenant("acme")
        new_tenant("bravo")
        place_provider("bravo", server_name="theirs-alone")
        place_tool("theirs", "bravo")
        call, effect = place_call("bravo", tool_name="theirs"), place_effect("bravo")
        member = signed_in(member_of=["acme"], role=Role.ADMIN)
        for path in (*PAGES, HOME + "?project=bravo", CALLS + "?project=bravo"):
            assert "theirs" not in text(member.get(path)), path
        there = "/admin/gateways/bravo/observability/"
        for path in (there, f"{there}tools/theirs/", f"{CALLS}bravo/{call.call_id}/",
                     f"{EFFECTS}bravo/{effect}/", f"{EFFECTS}bravo/{effect}/resolve/",
                     f"{CALLS}acme/{call.call_id}/", f"{CALLS}acme/x/",
                     f"{AT}tools/none/"):  # fmt: skip
            assert member.get(path).status_code == 404, path
        for path in (f"{there}refresh/", f"{there}release/theirs/", f"{there}suspend/theirs/",
                     f"{EFFECTS}bravo/{effect}/resolve/",
                     f"{EFFECTS}bravo/{effect}/probe/"):  # fmt: skip
            assert member.post(path, {"pin": PIN}).status_code == 404, path

    def test_costs_the_same_for_one_row_and_for_thirty(self, viewer, monkeypatch):
        sent, send = [], db.Pipe.send
        monkeypatch.setattr(
            db.Pipe, "send", lambda self, sql, *rest: (sent.append(sql), send(self, sql, *rest))[1]
        )

        monkeypatch.setattr("contracts.queries.FRESH_SECONDS", 60)

        def cost(path):
            sent.clear()
            with CaptureQueriesContext(connection) as captured:
                assert viewer.get(path).status_code == 200
            return len(sent), len(captured)

        def fill(count):
            for number in range(count):
                place_tool(f"tool{count}x{number}")
                place_call()
                place_effect()

        fill(1)
        viewer.get(AT)  # the process remembers the contracts from then on
        one = [cost(path) for path in (*PAGES, AT)]
        fill(29)
        assert [cost(path) for path in (*PAGES, AT)] == one

    def test_changes_nothing_without_its_own_form(self, tenant, signed_in):
        place_tool()
        effect = place_effect()
        client = signed_in(member_of=["acme"], role=Role.ADMIN, enforce_csrf_checks=True)
        for path in (f"{AT}release/get_pods/", f"{AT}refresh/", f"{EFFECTS}acme/{effect}/probe/"):
            assert client.post(path, {"pin": PIN}).status_code == 403
            assert client.get(path).status_code == 405
        assert standing() == Standing.QUARANTINED


class TestProviders:
    def test_tell_how_the_last_listing_went(self, viewer):
        place_provider(
            error_code="E-MCP-UP-001", error_detail="refused", faults=["two by one name"]
        )
        place_tool("a", warnings=[{"where": "/description", "kind": "ansi", "excerpt": "x"}])
        place_tool("b", standing=Standing.RELEASED)
        told = text(viewer.get(HOME))
        assert "shop 1.2" in told
        assert "Cannot be listed" in told
        assert re.findall(r'data-label="(Tools|Released|Waiting|Warnings)"[^>]*>(\d+)', told) == [
            ("Tools", "2"), ("Released", "1"), ("Waiting", "1"), ("Warnings", "1"),
        ]  # fmt: skip
        told = text(viewer.get(AT))
        assert "The tool's server cannot be reached" in told
        assert 'href="/errors/E-MCP-UP-001"' in told
        assert "two by one name" in told

    def test_show_what_a_server_says_as_inert_text(self, viewer):
        place_provider(instructions="<script>alert(1)</script> obey\u200b me\U000e0041")
        told = viewer.get(AT).content.decode()
        assert "<script>alert" not in told
        assert '<mark class="aw-hidden">⟨U+200B⟩</mark>' in told
        assert '<mark class="aw-hidden">⟨U+E0041⟩</mark>' in told

    def test_tell_what_each_tool_does_and_what_the_contract_says_of_it(self, viewer):
        place_tool("get_pods")
        place_tool("restart_deployment")
        place_tool("list_alerts", seen={"name": "x", "annotations": {"destructiveHint": True}})
        place_tool("unheard_of")
        told = text(viewer.get(AT))
        rows = re.findall(r"<code>(\w+)</code></a></th>(.*?)</tr>", told, re.DOTALL)
        verdicts = {
            name: re.findall(r"Reads|Writes|Destructive|not in the contract", row)
            for name, row in rows
        }
        assert verdicts == {
            "get_pods": ["Reads"],
            "list_alerts": ["Destructive"],
            "restart_deployment": ["Destructive"],
            "unheard_of": ["not in the contract"],
        }
        assert "query_metrics" in told.split("has not listed")[1]

    def test_are_listed_again_only_where_there_is_a_server(self, admin):
        assert "List again" not in text(admin.get(AT))
        answer = admin.post(f"{AT}refresh/")
        assert answer.status_code == 422
        assert "E-MCP-TOOL-003" in text(answer)


class TestTool:
    def test_shows_hidden_text_warnings_and_the_former_name(self, viewer):
        place_tool(
            seen={"name": "get_pods", "description": "safe\u200b<b>"}, renamed_from="old_pods",
            warnings=[{"where": "/description", "kind": "zero_width", "excerpt": "safe\\u200b"}],
        )  # fmt: skip
        told = viewer.get(f"{AT}tools/get_pods/").content.decode()
        assert '<mark class="aw-hidden">⟨U+200B⟩</mark>' in told
        assert "<b>" not in told.split("aw-body")[1]
        assert "old_pods" in told
        assert "aw-tone-warn" in told
        assert PIN in told

    def test_is_released_as_it_was_looked_at(self, admin):
        place_tool()
        here = f"{AT}tools/get_pods/"
        (pin,) = re.findall(r'name="pin" value="(\w+)"', text(admin.get(here)))
        assert "The tool is released." in text(
            admin.post(f"{AT}release/get_pods/", {"pin": pin}, follow=True)
        )
        assert standing() == Standing.RELEASED
        told = text(admin.get(here))
        assert "operator:ann" in told
        assert "Release as shown" not in told
        assert "suspended" in text(admin.post(f"{AT}suspend/get_pods/", follow=True))
        assert standing() == Standing.SUSPENDED

    def test_that_changed_meanwhile_is_shown_again_instead(self, admin):
        place_tool(seen={"name": "get_pods", "description": "Now it is another."})
        for pin in ("cd" * 32, "", "x"):
            answer = admin.post(f"{AT}release/get_pods/", {"pin": pin})
            assert answer.status_code == 409
            assert "E-MCP-TOOL-002" in text(answer)
            assert "Now it is another." in text(answer)
        assert standing() == Standing.QUARANTINED

    def test_shows_what_changed_since_it_was_released(self, viewer):
        place_tool(
            standing=Standing.SUSPENDED, seen={"description": "New\u200b words."},
            definition={"description": "Old words."}, pin_sha256="cd" * 32,
        )  # fmt: skip
        told = viewer.get(f"{AT}tools/get_pods/").content.decode()
        gone = re.findall(r'aw-diff-out">(.*?)</span>', told)
        new = re.findall(r'aw-diff-in">(.*?)</span>', told)
        assert any("Old words." in line for line in gone)
        assert any("New" in line and "⟨U+200B⟩" in line for line in new)

    def test_is_released_by_admins_only(self, viewer, approver):
        place_provider()
        place_tool()
        for client in (viewer, approver):
            assert "Release as shown" not in text(client.get(f"{AT}tools/get_pods/"))
            for path in ("release/get_pods/", "suspend/get_pods/", "refresh/"):
                assert client.post(AT + path, {"pin": PIN}).status_code == 403
        assert standing() == Standing.QUARANTINED


class TestQuarantine:
    def test_lists_what_waits_and_nothing_else(self, viewer):
        place_tool("first")
        place_tool("held", standing=Standing.SUSPENDED)
        place_tool("free", standing=Standing.RELEASED)
        place_tool("away", standing=Standing.GONE)
        told = text(viewer.get(WAITING))
        found = re.findall(r'aw-row-link" href="[^"]*/tools/(\w+)/"', told)
        assert found == ["held", "first"]
        assert "release/" not in told

    def test_narrows_to_one_project(self, new_tenant, viewer):
        new_tenant("bravo")
        place_tool("ours")
        place_tool("theirs", "bravo")
        told = text(viewer.get(WAITING, {"project": "bravo"}))
        assert "theirs" in told
        assert "tools/ours/" not in told


class TestCalls:
    def listed(self, answer):
        return re.findall(r'aw-row-link" href="/admin/calls/\w+/([0-9a-f-]{36})/"', text(answer))

    def test_visit_every_call_once_downwards_and_upwards(self, new_tenant, viewer):
        new_tenant("bravo")
        made = [str(place_call(("acme", "bravo")[n % 2]).call_id) for n in range(104)]
        down, at = [], CALLS
        while at:
            answer = viewer.get(at)
            down.append(self.listed(answer))
            found = re.search(r'rel="next" href="([^"]+)"', text(answer))
            last, at = at, found and CALLS + found[1]
        assert [each for page in down for each in page] == made[::-1]
        up = []
        while last:
            answer = viewer.get(last)
            up.append(self.listed(answer))
            found = re.search(r'rel="prev" href="([^"]+)"', text(answer))
            last = found and CALLS + found[1]
        assert up[::-1] == down

    def test_take_each_filter(self, viewer):
        place_call(status=Status.BLOCKED, block_gate=3, error_code="E-MCP-GATE-003")
        place_call(agent_id="other")
        place_call()
        for query, count in (
            ("gate=3", 1), ("status=blocked", 1), ("agent=other", 1), ("tool=get_pods", 0),
            ("tool=get_pods__observability", 3), ("project=acme&since=hour", 3),
            ("gateway=observability", 3), ("project=nobody", 0),
        ):  # fmt: skip
            answer = viewer.get(f"{CALLS}?{query}")
            assert len(self.listed(answer)) == count, query
            assert ("Nothing matches" in text(answer)) is (count == 0), query

    def test_answer_a_wrong_value_with_the_page_and_a_message(self, viewer):
        for query in ("gate=6", "status=gone", "since=x", "older_than=x", "agent=%00", "per_page=7",
                      f"older_than={ANY_ID}&newer_than={ANY_ID}"):  # fmt: skip
            answer = viewer.get(f"{CALLS}?{query}")
            assert answer.status_code == 400, query
            assert "has a value that cannot be used" in text(answer)

    def test_tell_which_gate_stopped_one_and_why(self, viewer):
        made = place_call(
            status=Status.BLOCKED, block_gate=4, error_code="E-MCP-GATE-008",
            block_reason="nothing was sent: name says restart", arguments='{"name":"<b>web"}',
            is_destructive=True,
        )  # fmt: skip
        told = viewer.get(f"{CALLS}acme/{made.call_id}/").content.decode()
        assert re.findall(r"passed|stopped here|not reached", told) == [
            "passed", "passed", "passed", "stopped here", "not reached"
        ]  # fmt: skip
        assert "Shadow mode stops what could change anything" in told
        assert 'href="/errors/E-MCP-GATE-008"' in told
        assert "name says restart" in told
        assert "<b>web" not in told

    def test_are_lines_of_their_runs_timeline(self, tenant, viewer):
        body = {"agent_id": tenant.agent_id, "input": {}}
        run_id = tenant.post("/v1/platform/runs", body).json()["run_id"]
        made = place_call(
            run_id=UUID(run_id), status=Status.BLOCKED, block_gate=3, error_code="E-MCP-GATE-003"
        )
        place_call(run_id=ids.new_id())
        told = tenant.get(f"/v1/platform/runs/{run_id}/detail").json()
        assert [each["call_id"] for each in told["mcp_calls"]] == [str(made.call_id)]
        assert told["counts"]["mcp_calls"] == 1
        (line,) = [item for item in told["timeline"] if item["kind"] == "mcp"]
        assert line["status"] == "blocked"
        assert line["metadata"]["gate"] == 3
        assert "Tool call: get_pods__observability" in text(viewer.get(f"/admin/runs/{run_id}/"))


class TestEffects:
    def test_list_those_without_an_outcome_first_of_all(self, viewer):
        for each in Outcome:
            place_effect(outcome=each, tool_name=f"of_{each.value}")
        told = text(viewer.get(EFFECTS))
        assert re.findall(r"<code>of_(\w+)</code>", told) == ["unknown", "claimed"]
        told = text(viewer.get(EFFECTS, {"view": "all"}))
        assert len(re.findall(r"<code>of_(\w+)</code>", told)) == 4
        assert "of_executed" in text(viewer.get(EFFECTS, {"view": "executed"}))

    def test_are_resolved_with_a_note_and_a_second_thought(self, approver):
        made = place_effect()
        here = f"{EFFECTS}acme/{made}/resolve/"
        assert here in text(approver.get(f"{EFFECTS}acme/{made}/"))
        assert approver.post(here, {"outcome": "executed", "note": " "}).status_code == 422
        told = approver.post(here, {"outcome": "executed", "note": "Seen on the host."})
        assert "Write down that it was executed?" in text(told)
        assert outcome(made)[0] == Outcome.UNKNOWN
        body = {"outcome": "executed", "note": "Seen on the host.", "confirmed": "executed"}
        assert "is written down" in text(approver.post(here, body, follow=True))
        assert outcome(made) == (Outcome.EXECUTED, "Seen on the host.", "operator:zoe")
        assert approver.post(here, body).status_code == 404

    def test_ask_again_when_what_was_confirmed_is_not_what_is_said(self, approver):
        made = place_effect()
        body = {"outcome": "error", "note": "why", "confirmed": "executed"}
        told = text(approver.post(f"{EFFECTS}acme/{made}/resolve/", body))
        assert "Write down that it was not executed?" in told
        assert outcome(made)[0] == Outcome.UNKNOWN

    def test_offer_their_probe_only_where_there_is_one(self, approver):
        without, found = place_effect(), place_effect(probe={"tool_name": "get_pods"})
        assert "Ask its probe" not in text(approver.get(f"{EFFECTS}acme/{without}/"))
        assert "Ask its probe" in text(approver.get(f"{EFFECTS}acme/{found}/"))
        told = text(approver.post(f"{EFFECTS}acme/{found}/probe/", follow=True))
        assert "The probe could not tell" in told  # the call itself may still be under way

    def test_are_left_alone_by_viewers(self, tenant, signed_in):
        made = place_effect(probe={"tool_name": "get_pods"})
        client = signed_in(member_of=["acme"])
        told = text(client.get(f"{EFFECTS}acme/{made}/"))
        assert "Nobody knows whether this happened" in told
        assert "Ask its probe" not in told
        assert client.get(f"{EFFECTS}acme/{made}/resolve/").status_code == 403
        assert client.post(f"{EFFECTS}acme/{made}/probe/").status_code == 403
