"""Servers that hang, lie, flood and die: each call ends in time, with the right code, alone."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import psutil
import pytest

from awooop.errors import Code
from gateway import hub
from gateway.providers.base import Failed
from tests.gateway.upstreams import good, hostile, misdeeds, targets

WITHIN = 0.5
GRACE = 1.0
MOST_GROWTH = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[hostile.Hostile]:
    with hostile.serving() as serving:
        yield serving
        hub.the().forget()


def watched(future: "Future[Any]") -> tuple[Any, float, int]:
    """Wait for how a call ends; tell how long it took and how much memory it cost."""
    process = psutil.Process()
    before = most = process.memory_info().rss
    began = time.monotonic()
    while not future.done() and time.monotonic() - began < WITHIN + 5:
        time.sleep(0.005)
        most = max(most, process.memory_info().rss)
    took = time.monotonic() - began
    assert future.done(), "it never ended"
    return future.exception() or future.result(), took, most - before


@pytest.fixture
def neighbour(upstream: good.Upstream) -> Iterator[None]:
    """See that another server's calls are answered before, and after."""
    near = targets.http(upstream.url, gateway_id="neighbour")
    hub.the().call(near, "echo", {}, permit=targets.permit(), within=5).result(6)
    yield
    answer = hub.the().call(near, "echo", {"a": 1}, permit=targets.permit(), within=2).result(3)
    assert answer.content[0]["text"] == '{"a": 1}'


class TestCall:
    @pytest.mark.parametrize("kind", misdeeds.CALLS)
    def test_ends_in_time_with_the_right_code(
        self, kind: str, server: hostile.Hostile, neighbour: None
    ) -> None:
        _, code, is_big = misdeeds.CALLS[kind]
        target = targets.http(server.url(kind), gateway_id=kind)
        hub.the().ready(target, "echo", {}, within=5).result(6)
        within = 2 if is_big else WITHIN  # what is big takes a while to arrive

        ended, took, grown = watched(
            hub.the().call(target, "t", {}, permit=targets.permit(), within=within)
        )

        if code is None:
            assert not isinstance(ended, Exception), ended
        else:
            assert isinstance(ended, Failed), ended
            assert (ended.code, ended.sent) == (code, True)
        assert took <= within + GRACE
        assert server.seen[kind, "tools/call"] == 1, "sent once, and never again"
        if is_big:
            assert grown <= MOST_GROWTH

    @pytest.mark.parametrize("kind", misdeeds.HANDSHAKES)
    def test_sends_nothing_when_there_is_no_session(
        self, kind: str, server: hostile.Hostile, neighbour: None
    ) -> None:
        target = targets.http(server.url(kind), gateway_id=kind)

        ended, took, _ = watched(
            hub.the().call(target, "t", {}, permit=targets.permit(), within=WITHIN)
        )

        assert isinstance(ended, Failed)
        assert (ended.code, ended.sent) == (misdeeds.HANDSHAKES[kind][1], False)
        assert took <= WITHIN + GRACE
        assert server.seen[kind, "tools/call"] == 0

    @pytest.mark.parametrize("asked", ["sampling", "elicitation", "roots"])
    def test_refuses_what_the_server_asks_for(self, asked: str, server: hostile.Hostile) -> None:
        target = targets.http(server.url(f"asks_for_{asked}"), gateway_id=f"refuses {asked}")
        server.replies.clear()

        answer = hub.the().call(target, "t", {}, permit=targets.permit(), within=2).result(3)

        assert answer.content[0]["text"] == "fine"
        assert hub.the().refusals(target) == 1
        [reply] = server.replies
        assert "error" in reply, "it got what it asked for"

    def test_an_error_is_one_however_it_is_spelled(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("says_error_in_a_number"), gateway_id="spells")

        answer = hub.the().call(target, "t", {}, permit=targets.permit(), within=2).result(3)

        assert answer.is_error

    def test_a_storm_slows_no_neighbour(
        self, server: hostile.Hostile, upstream: good.Upstream
    ) -> None:
        near = targets.http(upstream.url, gateway_id="neighbour")
        quiet = p95(near)
        storms = [
            hub.the().call(
                targets.http(server.url(kind), gateway_id=f"{kind} again"),
                "t",
                {},
                permit=targets.permit(),
                within=3,
            )
            for kind in ("tiny_chunks", "storm_of_logs", "endless_comments", "fifty_megabytes")
        ]
        loud = p95(near)

        for storm in storms:
            assert isinstance(storm.exception(5), Failed)
        assert loud <= 10 * quiet + 0.2


def p95(near: Any) -> float:
    times = []
    for _ in range(40):
        began = time.monotonic()
        hub.the().call(near, "echo", {}, permit=targets.permit(), within=5).result(6)
        times.append(time.monotonic() - began)
    return sorted(times)[int(len(times) * 0.95)]


class TestTools:
    @pytest.mark.parametrize(
        ("kind", "most", "fault"),
        [
            ("ten_thousand_tools", 2_000, "more than 2000 tools"),
            ("endless_pages", 50, "more than 50 pages"),
            ("circular_pages", 2, "circle"),
            ("swarms_on_every_page", 1, "too large"),
        ],
    )
    def test_lists_no_more_than_fits(
        self, kind: str, most: int, fault: str, server: hostile.Hostile
    ) -> None:
        listing = hub.the().tools(targets.http(server.url(kind), gateway_id=kind), 5).result(6)

        assert len(listing.tools) == most
        assert fault in listing.faults[0]
        assert "x-unknown" in listing.tools[0], "what nobody knows is listed too"

    def test_an_empty_cursor_names_no_page(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("ends_with_an_empty_cursor"), gateway_id="ends")

        listing = hub.the().tools(target, 5).result(6)

        assert (len(listing.tools), listing.faults) == (1, ())


SHAKE = """
import json, os, signal, sys, time
def say(m): sys.stdout.write(json.dumps(m) + "\\n"); sys.stdout.flush()
def hear():
    while True:
        line = sys.stdin.readline()
        if not line: sys.exit()
        m = json.loads(line)
        if "id" in m: return m
def shake():
    while (m := hear())["method"] != "initialize":
        say({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "no"}})
    info = {"name": "h", "version": "0"}
    say({"jsonrpc": "2.0", "id": m["id"], "result":
        {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info}})
fine = {"content": [{"type": "text", "text": "fine"}]}
"""

CHILDREN: dict[str, tuple[str, Code | None, bool]] = {
    "a line of 50 MB": (
        "shake(); hear()\nfor _ in range(800): sys.stdout.write('x' * 65536)\ntime.sleep(30)",
        Code.UPSTREAM_TOO_LARGE,
        True,
    ),
    "garbage": (
        "shake(); hear()\nwhile True: print('Traceback (most recent call last):')",
        Code.UPSTREAM_BROKEN,
        True,
    ),
    "some noise": (
        "print('starting'); shake(); m = hear(); print('working')\n"
        "say({'jsonrpc': '2.0', 'id': m['id'], 'result': fine}); hear()",
        None,
        True,
    ),
    "half a message": (
        "shake(); hear(); print('{\"jsonrpc\": '); sys.stdout.flush(); time.sleep(30)",
        Code.UPSTREAM_BROKEN,
        True,
    ),
    "exits at once": ("sys.exit(1)", Code.UPSTREAM_AWAY, False),
    "exits mid-call": ("shake(); hear(); sys.exit(1)", Code.UPSTREAM_AWAY, True),
    "hangs": ("shake(); hear(); time.sleep(30)", Code.UPSTREAM_LATE, True),
    "never reads": ("time.sleep(30)", Code.UPSTREAM_LATE, False),
    "ignores SIGTERM": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); shake(); hear()\nwhile True: time.sleep(1)",
        Code.UPSTREAM_LATE,
        True,
    ),
    "floods stderr": (
        "shake(); m = hear()\nfor _ in range(500): sys.stderr.write('x' * 65536)\n"
        "say({'jsonrpc': '2.0', 'id': m['id'], 'result': fine}); hear()",
        None,
        True,
    ),
    "answers another": (
        "shake(); m = hear(); say({'jsonrpc': '2.0', 'id': 999, 'result': fine}); time.sleep(30)",
        Code.UPSTREAM_LATE,
        True,
    ),
}


class TestChild:
    @pytest.mark.parametrize("kind", CHILDREN)
    def test_ends_in_time_with_the_right_code(self, kind: str, neighbour: None) -> None:
        code, expected, sent = CHILDREN[kind]
        target = targets.stdio([sys.executable, "-u", "-c", SHAKE + code], gateway_id=kind)
        if sent:
            hub.the().ready(target, "echo", {}, within=10).result(11)
        within = WITHIN if sent else 2

        ended, took, grown = watched(
            hub.the().call(target, "t", {}, permit=targets.permit(), within=within)
        )

        if expected is None:
            assert ended.content[0]["text"] == "fine"
        else:
            assert isinstance(ended, Failed), ended
            assert (ended.code, ended.sent) == (expected, sent)
        assert took <= within + GRACE
        assert grown <= MOST_GROWTH

    def test_one_that_floods_between_calls_slows_no_neighbour(
        self, upstream: good.Upstream
    ) -> None:
        near = targets.http(upstream.url, gateway_id="neighbour")
        quiet = p95(near)
        code = (
            "shake(); m = hear(); say({'jsonrpc': '2.0', 'id': m['id'], 'result': fine})\n"
            "asked = {'messages': [{'role': 'user', 'content': [{}] * 390}], 'maxTokens': 1}\n"
            "while True: say({'jsonrpc': '2.0', 'id': 1, 'method': 'sampling/createMessage', "
            "'params': asked})"
        )
        target = targets.stdio([sys.executable, "-u", "-c", SHAKE + code], gateway_id="between")
        hub.the().ready(target, "t", {}, within=10).result(11)
        hub.the().call(target, "t", {}, permit=targets.permit(), within=5).result(6)

        loud = p95(near)

        hub.the().forget()
        assert loud <= 10 * quiet + 0.2

    @pytest.mark.parametrize("leaves", ["", "os._exit(0)"])
    def test_takes_with_it_what_left_its_group(self, leaves: str) -> None:
        code = (
            "import subprocess\n"
            "left = subprocess.Popen(['sleep', '30'], start_new_session=True)\n"
            "def hear_and_tell():\n"
            "    m = hear()\n"
            "    said = {'content': [{'type': 'text', 'text': str(left.pid)}]}\n"
            "    say({'jsonrpc': '2.0', 'id': m['id'], 'result': said})\n"
            f"shake(); hear_and_tell(); {leaves}\nhear()"
        )
        target = targets.stdio([sys.executable, "-u", "-c", SHAKE + code], gateway_id="leaves")
        hub.the().ready(target, "t", {}, within=10).result(11)
        answer = hub.the().call(target, "t", {}, permit=targets.permit(), within=5).result(6)
        left = psutil.Process(int(answer.content[0]["text"]))

        hub.the().forget()

        left.wait(3)

    def test_none_is_left_when_the_hub_forgets(self) -> None:
        hub.the().forget()
        left = [
            child
            for child in psutil.Process().children(recursive=True)
            if "serverInfo" in " ".join(child.cmdline())
        ]
        assert left == []
