"""The hub: a tool is called upstream, once, in time, and by nobody who may not."""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from awooop.errors import Code
from gateway import hub
from gateway.providers import child, wire
from gateway.providers.base import Answer, Expired, Failed, Permit, Secret, Target
from tests.gateway.upstreams import good, hostile, misdeeds, targets
from tests.gateway.upstreams.peer import Peer, shake


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    hub.the().forget()


@pytest.fixture(scope="module")
def server() -> Iterator[hostile.Hostile]:
    with hostile.serving() as serving:
        yield serving


def start(target: Target, tool: str = "echo", within: float = 5, **arguments: Any) -> Any:
    return hub.the().call(target, tool, arguments, permit=targets.permit(), within=within)


def call(target: Target, tool: str = "echo", within: float = 5, **arguments: Any) -> Answer:
    answer: Answer = start(target, tool, within, **arguments).result(within + 2)
    return answer


def refusal(future: "Future[Any]") -> tuple[Code, bool]:
    reason = future.exception(10)
    assert isinstance(reason, Failed), reason
    return reason.code, reason.sent


class TestCall:
    def test_answers_as_the_server_did(self, upstream: good.Upstream) -> None:
        upstream.tool("both", {"structuredContent": {"n": 1}, "isError": False})
        target = targets.http(upstream.url)

        assert json.loads(call(target, a=1).content[0]["text"]) == {"a": 1}
        assert call(target, "both").structured == {"n": 1}
        assert call(target, "fail").is_error

    @pytest.mark.parametrize("handshake", [False, True])
    @pytest.mark.parametrize("stateless", [False, True])
    @pytest.mark.parametrize("streams", [False, True])
    def test_speaks_every_revision(self, handshake: bool, stateless: bool, streams: bool) -> None:
        def configure(upstream: good.Upstream) -> None:
            upstream.handshake_only = handshake

        options = {"stateless_http": stateless, "json_response": not streams}
        with good.serving(configure, **options) as upstream:
            target = targets.http(upstream.url)
            every = [start(target, number=number) for number in range(8)]
            texts = {each.result(5).content[0]["text"] for each in every}
            hub.the().forget()

        assert len(texts) == 8, "each got its own answer"
        headers = upstream.calls[0].headers
        assert (headers["mcp-protocol-version"] < "2026") is handshake
        assert ("mcp-session-id" in headers) is (handshake and not stateless)

    def test_makes_a_new_session_when_the_server_has_forgotten_the_old(
        self, server: hostile.Hostile
    ) -> None:
        target = targets.http(server.url("forgets_its_sessions"))
        assert refusal(start(target)) == (Code.UPSTREAM_AWAY, True)
        assert server.seen["forgets_its_sessions", "tools/call"] == 1, "it was not sent again"
        assert call(target).content
        assert server.seen["forgets_its_sessions", "initialize"] == 2

    def test_keeps_its_connection(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("error_of_jsonrpc"))
        hub.the().ready(target, "echo", {}, within=5).result(6)
        before = server.connections
        for _ in range(5):
            assert call(target).is_error
        late = hub.the().call(target, "t", {}, permit=Permit(time.monotonic()), within=5)
        assert refusal(late) == (Code.UPSTREAM_BUSY, False)
        assert call(target).is_error
        assert server.connections - before <= 1, "also over a call that might not leave"

    @pytest.mark.parametrize(
        ("kind", "connections"), [("ends_its_stream_in_order", 1), ("says_more_in_its_stream", 3)]
    )
    def test_keeps_the_connection_of_a_stream_that_ends(
        self, kind: str, connections: int, server: hostile.Hostile
    ) -> None:
        target = targets.http(server.url(kind))
        before = server.connections
        for _ in range(3):
            assert call(target).content
            time.sleep(0.1)
        # one more may be open for the news
        assert server.connections - before in (connections, connections + 1)

    def test_hangs_up_on_a_server_that_speaks_unasked(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("answers_once_more"))
        for _ in range(2):
            assert call(target).content[0]["text"] == "fine"
            time.sleep(0.15)  # it answers what the next request would ask

    def test_serves_any_loop(self, upstream: good.Upstream) -> None:
        async def one() -> Answer:
            target = targets.http(upstream.url)
            return await asyncio.wrap_future(
                hub.the().call(target, "echo", {}, permit=targets.permit(), within=5)
            )

        assert asyncio.run(one()).content

    def test_passes_progress_on(self, upstream: good.Upstream) -> None:
        async def report(arguments: Any, ctx: Any) -> str:
            for done in (1, 2, 3):
                await ctx.session.report_progress(done, 3)
            return "done"

        told: list[float] = []

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            told.append(progress)

        upstream.tool("report", report)
        hub.the().call(
            targets.http(upstream.url),
            "report",
            {},
            permit=targets.permit(),
            within=5,
            progress=hear,
        ).result(6)
        assert told == [1, 2, 3]

    def test_tells_the_server_when_nobody_waits_any_more(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("hangs_before_headers"))
        assert refusal(start(target, within=0.3)) == (Code.UPSTREAM_LATE, True)

        until = time.monotonic() + 3
        seen = ("hangs_before_headers", "notifications/cancelled")
        while server.seen[seen] == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert server.seen[seen] == 1

    def test_ends_when_its_caller_cancels(self, server: hostile.Hostile) -> None:
        target = targets.http(server.url("hangs_between_events"), concurrent=1)
        hub.the().ready(target, "echo", {}, within=5).result(6)
        waiting = start(target, within=20)
        while server.seen["hangs_between_events", "tools/call"] == 0:
            time.sleep(0.01)

        assert waiting.cancel()
        assert refusal(start(target, within=0.5)) == (Code.UPSTREAM_LATE, True), "its place is free"

    def test_refuses_what_a_tool_wants_to_be_told_first(self, upstream: good.Upstream) -> None:
        schema = {"type": "object", "properties": {"password": {"type": "string"}}}
        params = {"mode": "form", "message": "Password?", "requestedSchema": schema}
        asks = {"password": {"method": "elicitation/create", "params": params}}
        upstream.tool("nosy", {"resultType": "input_required", "inputRequests": asks})
        target = targets.http(upstream.url)

        answer = call(target, "nosy")

        assert answer.is_error
        assert "does not get" in answer.content[0]["text"]
        assert hub.the().refusals(target) == 1
        assert len(upstream.calls) == 1

    def test_repeats_arguments_in_headers_where_the_schema_says_so(
        self, upstream: good.Upstream
    ) -> None:
        region = {"type": "string", "x-mcp-header": "Region"}
        schema = {"type": "object", "properties": {"region": region}}
        target = targets.http(upstream.url)
        for _ in range(2):
            hub.the().call(
                target,
                "echo",
                {"region": "eu"},
                permit=targets.permit(),
                within=5,
                schema=schema,
            ).result(6)
        assert [seen.headers["mcp-param-region"] for seen in upstream.calls] == ["eu", "eu"]


class TestTls:
    def test_servers_are_verified_by_their_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pem = certificate(tmp_path, "localhost")
        with good.serving(pem=pem) as upstream:
            target = targets.http(upstream.url.replace("127.0.0.1", "localhost"))
            other = targets.http(upstream.url, gateway_id="other name")
            assert refusal(start(target)) == (Code.UPSTREAM_AWAY, False), "nobody vouches for it"
            hub.the().forget()
            monkeypatch.setenv("SSL_CERT_FILE", str(pem))
            wire.tls.cache_clear()
            assert call(target).content
            assert refusal(start(other)) == (Code.UPSTREAM_AWAY, False)
            assert len(upstream.calls) == 1
        wire.tls.cache_clear()


def certificate(folder: Path, name: str) -> Path:
    """Write a key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return path


class TestPermit:
    def test_nothing_leaves_when_it_has_run_out(self, upstream: good.Upstream) -> None:
        target = targets.http(upstream.url)
        hub.the().ready(target, "echo", {}, within=5).result(6)
        late = hub.the().call(target, "echo", {}, permit=Permit(time.monotonic()), within=5)

        assert refusal(late) == (Code.UPSTREAM_BUSY, False)
        assert isinstance(late.exception(), Expired), "it may be asked for again"
        assert upstream.calls == []

    def test_is_judged_after_a_slow_handshake(self, server: hostile.Hostile) -> None:
        misdeeds.HANDSHAKES["is_slow"] = (_slow, Code.UPSTREAM_LATE)
        target = targets.http(server.url("is_slow"))
        late = hub.the().call(target, "t", {}, permit=targets.permit(0.2), within=5)

        assert refusal(late) == (Code.UPSTREAM_BUSY, False)
        assert server.seen["is_slow", "tools/call"] == 0

    def test_binds_children_too(self) -> None:
        target = targets.stdio([sys.executable, good.__file__, "stdio", os.devnull])
        hub.the().ready(target, "echo", {}, within=20).result(21)
        late = hub.the().call(target, "echo", {}, permit=Permit(time.monotonic()), within=5)

        assert refusal(late) == (Code.UPSTREAM_BUSY, False)
        assert call(target, a=1).content, "the child lives on"


async def _slow(peer: Peer) -> None:
    await asyncio.sleep(0.3)
    await peer.result(shake())


class TestAddress:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"],
    )
    def test_private_ones_are_not_reached_unless_named(
        self, host: str, upstream: good.Upstream
    ) -> None:
        url = upstream.url.replace("127.0.0.1", host)
        target = targets.http(url, private_addresses=("10.0.0.0/8",))

        assert refusal(start(target)) == (Code.UPSTREAM_ADDRESS, False)
        assert upstream.calls == []

    def test_a_name_is_connected_to_by_its_checked_address(self, upstream: good.Upstream) -> None:
        target = targets.http(upstream.url.replace("127.0.0.1", "localhost"))
        call(target)
        [seen] = upstream.calls
        assert seen.headers["host"].startswith("localhost:")

    def test_a_closed_port_is_away(self) -> None:
        assert refusal(start(targets.http("http://127.0.0.1:1/mcp"))) == (
            Code.UPSTREAM_AWAY,
            False,
        )

    def test_a_name_that_is_none_is_away(self) -> None:
        target = targets.http("http://no-such-name.invalid/mcp")
        assert refusal(start(target)) == (Code.UPSTREAM_AWAY, False)

    def test_no_proxy_of_the_environment_is_asked(
        self, upstream: good.Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert call(targets.http(upstream.url)).content


class TestCredential:
    @pytest.mark.parametrize(
        ("header", "value", "sent"),
        [
            ("Authorization", "s3cret", "Bearer s3cret"),
            ("Authorization", "Basic czM6Y3JldA==", "Basic czM6Y3JldA=="),
            ("X-Api-Key", "s3cret", "s3cret"),
        ],
    )
    def test_goes_into_the_header_that_the_contract_names(
        self, header: str, value: str, sent: str, upstream: good.Upstream
    ) -> None:
        transport = {
            "kind": "streamable_http",
            "url": upstream.url,
            "credential_header": header,
        }
        target = targets.http("", transport=transport, credential=Secret(value, version="1"))
        call(target)
        [seen] = upstream.calls
        assert seen.headers[header.lower()] == sent

    def test_never_stands_in_a_failure(self) -> None:
        target = targets.http(
            "http://127.0.0.1:1/mcp", credential=Secret("two\r\nX-Lines: 1", version="1")
        )
        future = start(target)
        assert refusal(future) == (Code.CREDENTIAL_AWAY, False)
        assert "X-Lines" not in repr(future.exception()) + str(future.exception())

    def test_another_one_has_another_session(self, upstream: good.Upstream) -> None:
        for version in ("1", "2"):
            call(targets.http(upstream.url, credential=Secret(f"s{version}", version=version)))
        assert [seen.headers["authorization"] for seen in upstream.calls] == [
            "Bearer s1",
            "Bearer s2",
        ]

    def test_a_child_sees_its_secrets_and_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
        code = (
            "import json, os; from tests.gateway.upstreams import good\n"
            "good.environment(sorted(os.environ), os.getcwd())"
        )
        script = f"import sys; sys.path.insert(0, {os.getcwd()!r})\n{code}"
        target = targets.stdio(
            [sys.executable, "-c", script], secrets={"TOKEN": Secret("s3cret", version="1")}
        )
        names, cwd = json.loads(call(target, "environment", within=20).content[0]["text"])
        assert set(names) - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "TOKEN"}
        assert cwd != os.getcwd()


class TestPlaces:
    def test_one_server_has_no_more_than_its_own(self, upstream: good.Upstream) -> None:
        target = targets.http(upstream.url, concurrent=2)
        near = targets.http(upstream.url, gateway_id="near")
        slow = [start(target, "slow", seconds=0.6) for _ in range(2)]
        while len(upstream.calls) < 2:
            time.sleep(0.01)

        assert refusal(start(target, within=1)) == (Code.UPSTREAM_BUSY, False)
        assert call(near).content, "the neighbour has its own"
        assert [each.result(5).content[0]["text"] for each in slow] == ["late"] * 2
        assert call(target).content

    def test_a_failing_server_rests_and_is_tried_again(
        self, upstream: good.Upstream, server: hostile.Hostile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.breaker.FIRST_REST", 0.3)
        target = targets.http(server.url("dies_mid_call"), gateway_id="dying")
        before = server.seen["dies_mid_call", "tools/call"]
        for _ in range(5):
            hub.the().ready(target, "echo", {}, within=5).result(6)
            assert refusal(start(target))[0] is Code.UPSTREAM_AWAY

        assert refusal(start(target)) == (Code.UPSTREAM_BUSY, False)
        assert server.seen["dies_mid_call", "tools/call"] - before == 5
        assert call(targets.http(upstream.url)).content
        time.sleep(0.35)
        assert refusal(start(target))[0] is Code.UPSTREAM_AWAY, "one is let through"
        assert refusal(start(target))[0] is Code.UPSTREAM_BUSY, "and it rests longer"

    def test_a_tool_that_fails_is_no_failing_server(self, upstream: good.Upstream) -> None:
        target = targets.http(upstream.url)
        assert all(call(target, "fail").is_error for _ in range(12))


@pytest.fixture
def told() -> list[tuple[str, str, str]]:
    """Collect what listeners are told, and on which thread."""
    heard: list[tuple[str, str, str]] = []
    hub.on_list_changed(
        lambda project, gateway: heard.append((project, gateway, threading.current_thread().name))
    )
    return heard


def first(told: list[tuple[str, str, str]], gateway_id: str) -> tuple[str, str, str]:
    until = time.monotonic() + 3
    while time.monotonic() < until:
        for each in told:
            if each[1] == gateway_id:
                return each
        time.sleep(0.01)
    raise AssertionError("nobody was told")


class TestNews:
    def test_listeners_are_told_once_of_a_storm(
        self, server: hostile.Hostile, told: list[tuple[str, str, str]]
    ) -> None:
        call(targets.http(server.url("storm_of_news"), gateway_id="storm"), within=5)

        assert first(told, "storm")[2] != "gateway-hub", "a listener may block"
        assert len([each for each in told if each[1] == "storm"]) == 1

    def test_a_server_without_handshakes_is_asked_for_them(
        self, upstream: good.Upstream, told: list[tuple[str, str, str]]
    ) -> None:
        target = targets.http(upstream.url, gateway_id="modern")
        hub.the().tools(target, 5).result(6)
        until = time.monotonic() + 3
        while not upstream.bus._listeners and time.monotonic() < until:
            time.sleep(0.01)
        upstream.announce()

        assert first(told, "modern")[0] == "acme"


class TestFork:
    def test_a_child_has_a_hub_of_its_own(self, upstream: good.Upstream) -> None:
        target = targets.http(upstream.url)
        call(target)
        reading, writing = os.pipe()
        forked = os.fork()
        if forked == 0:
            try:
                os.write(writing, call(target, forked=1).content[0]["text"].encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            assert json.loads(told.read()) == {"forked": 1}
        os.waitpid(forked, 0)
        assert call(target, parent=1).content, "the parent's session is unharmed"


class TestSeats:
    def test_are_left_when_nobody_uses_them(
        self, upstream: good.Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "IDLE_SECONDS", 0.05)
        monkeypatch.setattr(hub, "_SWEEP_SECONDS", 0.05)
        own = hub.Hub()
        target = targets.stdio([sys.executable, good.__file__, "stdio", os.devnull])
        own.ready(target, "echo", {}, within=20).result(21)
        until = time.monotonic() + 5
        while child._children and time.monotonic() < until:
            time.sleep(0.01)
        assert not child._children, "the child has gone"
        later = targets.http(upstream.url)
        assert own.call(later, "echo", {}, permit=targets.permit(), within=5).result(6).content

    def test_are_given_up_for_those_who_come_later(
        self, upstream: good.Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub, "MOST_SEATS", 2)
        every = [targets.http(upstream.url, gateway_id=f"g{number}") for number in range(4)]
        assert all(call(target).content for target in every)
        slow = [start(target, "slow", seconds=0.4) for target in every[:2]]
        assert refusal(start(every[3])) == (Code.UPSTREAM_BUSY, False)
        assert all(each.result(5).content for each in slow), "nobody under way is put out"
