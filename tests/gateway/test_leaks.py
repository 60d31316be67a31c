"""A credential that a server says back in every way it can is found nowhere afterwards.

Its value looks like nothing, so that no shape gives it away: it is known because it was shown.
"""

import asyncio
import base64
import contextlib
import copy
import dataclasses
import io
import json
import logging
import pickle
import secrets
import string
import sys
import traceback
from functools import partial
from urllib.parse import quote

import pytest
from django.db import connections
from django.test import Client, RequestFactory
from django.utils import timezone
from mcp import MCPError

from awooop.audit import export
from awooop.console.reports import Report
from awooop.errors import Unavailable
from awooop.kit import log
from awooop.kit.db import global_tx
from awooop.tenants.models import Operator, Role
from contracts import queries
from gateway import calls, credentials, registry, targets
from gateway.cleaning import Cleaner
from gateway.echoes import Echoes
from gateway.providers.base import Answer, Failed, Listener, Listing, Secret
from tests.gateway import agents
from tests.gateway.agents import Agent
from tests.gateway.governed import GATEWAY
from tests.gateway.upstreams import good
from tests.journeys.test_canaries import Servers, rows, spellings, valkey

NAME = "AWOOOP_CREDENTIAL_SHOP__TOKEN"
PAGES = (
    *("", "gateways/", "quarantine/", f"gateways/shop/{GATEWAY}/", "calls/", "effects/"),
    *("switches/", "audit/", f"gateways/shop/{GATEWAY}/tools/text/"),
)


def word():
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(30))


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


async def _while_working(token, ctx):
    await ctx.session.report_progress(1, 2, f"signing in with {token}")
    return text("done")


async def _aloud(token, ctx):
    await good.say(ctx, {"signed in": token}, logger=f"log of {token}")
    await good.say(ctx, f"signed in with {token}")
    return text("done")


def _raised(token, ctx):
    raise MCPError(-32000, f"key {token} may not do that", {"token": token})


# What each tool answers once it knows the credential.
TALES = {
    "text": lambda token, ctx: text(f"you are {token}."),
    "structured": lambda token, ctx: text(
        json.dumps({"who": token}), structuredContent={"who": token, token: [token]}
    ),
    "error": lambda token, ctx: text(f"401: {token} is not known", isError=True),
    "raised": _raised,
    "disguised": lambda token, ctx: text(
        " ".join(
            (
                *(base64.b64encode(f"{lead}{token}".encode()).decode() for lead in ("", "a", "ab")),
                *(token.encode().hex(), "".join(f"%{ord(letter):x}" for letter in token)),
                *("\u200b".join(token), f"\x1b[1m{token[:9]}\x1b[0m{token[9:]}"),
            )
        )
    ),
    "resource": lambda token, ctx: {
        "content": [
            {"type": "resource", "resource": {"uri": f"x://{token}", "text": f"is {token}"}},
            {"type": "resource", "resource": {"uri": "x://", "blob": _encoded(token)}},
            {"type": "resource_link", "uri": f"https://{token}@h/", "name": token},
            {"type": "image", "data": _encoded(f"\xff{token}"), "mimeType": f"image/{token}"},
            {"type": token, "_meta": {"token": token}},
        ]
    },
    "progress": _while_working,
    "aloud": _aloud,
    "long": lambda token, ctx: text("a " * 8_180 + token * 900),
    "write": lambda token, ctx: text(f"wrote with {token}"),
}  # fmt: skip


def _encoded(words):
    return base64.b64encode(words.encode("latin-1")).decode()


def telling(tale):
    def answer(arguments, ctx):
        header = dict(ctx.request.headers)["authorization"]
        return tale(header.removeprefix("Bearer "), ctx)

    return answer


def owned(change):
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE awooop_mcp_gateway_audit {change}")


class Lived:
    """One project's day with a server that tells all; what could be seen afterwards, by place."""

    def __init__(self):
        self.credential, self.password = word(), word()
        self.places, self.servers = {}, Servers()
        self.sent = []

    def live(self, shop, upstream, tmp_path):
        heard = io.StringIO()
        with self._listening(heard), contextlib.redirect_stderr(heard):
            self._offer(shop, upstream)
            self.places["results"] = self._call(shop)
            self.places["unrecorded"], self.places["error page"] = self._fail(shop)
            self.places["doors"] = self._knock(shop)
            self._refresh(shop, upstream)
            self.places["pages"] = self._visit()
        self.sent = list(upstream.calls)
        export.write("shop", tmp_path / "export", at=timezone.now())
        self.places |= {
            "logs": heard.getvalue(),
            "rows": rows(),
            "valkey and tasks": valkey(),
            "servers": self.servers.heard(),
            "audit export": (tmp_path / "export").read_text(),
        }

    @contextlib.contextmanager
    def _listening(self, heard):
        """Hear every logger, with what it was given, before any formatter of ours redacts it."""
        handler = logging.StreamHandler(heard)
        handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)

    def _offer(self, shop, upstream):
        for name, tale in TALES.items():
            upstream.tool(name, telling(tale))
            harm = {"is_destructive": True, "scope": "write"} if name == "write" else {}
            shop.offer(name, upstream.tools[name].definition, **harm)
        shop.sign(credential_ref=f"env:{NAME}")

    def _call(self, shop):
        told = []

        async def hear(*words):
            told.append(words)

        for name in TALES:
            result = calls.call_tool(
                shop.call(name, {"note": f"password={self.password}"}),
                progress=hear,
                listener=Listener("info", hear),
            )
            told.append((result, repr(result), str(dataclasses.asdict(result))))
        shop.sign(credential_ref="env:AWOOOP_CREDENTIAL_SHOP__AWAY")
        told.append(calls.call_tool(shop.call("text")))
        shop.sign(credential_ref=f"env:{NAME}")
        told.append(asyncio.run(calls.acall_tool(partial(shop.call, "text"))))
        assert len(told) == len(TALES) + 5, "progress and log messages were heard"
        return str(told)

    def _fail(self, shop):
        """Fail after the answer came, where every frame is kept: traceback and error page."""
        owned("ADD CONSTRAINT unwritable CHECK (tool_name <> 'error__shop') NOT VALID")
        try:
            calls.call_tool(shop.call("error"))
        except Unavailable as reason:
            reason.with_traceback(reason.__traceback__.tb_next)
            trace = traceback.TracebackException.from_exception(reason, capture_locals=True)
            kind, _, frames = sys.exc_info()
            report = Report(RequestFactory().get("/"), kind, reason, frames)
            log.structlog.get_logger("gateway").exception("unrecorded")
            return "".join(
                trace.format()
            ), report.get_traceback_html() + report.get_traceback_text()
        finally:
            owned("DROP CONSTRAINT unwritable")
        pytest.fail("the call was recorded")

    def _knock(self, shop):
        """Ask as agents do, over MCP and REST, for answers and for problems."""
        agent = Agent("shop", agents.issue("shop", agent_id=shop.agent_id))
        bearer = {"Authorization": f"Bearer {agent.key}"}
        browser = Client(raise_request_exception=False)
        told = [agent.ask("tools/list").content, agent.ask("server/discover").content]
        for number, name in enumerate(f"{each}__{GATEWAY}" for each in TALES):
            if number % 2:
                told.append(agent.ask("tools/call", {"name": name, "arguments": {}}).content)
            else:
                asked = json.dumps({"tool": name, "arguments": {}})
                kind = {"content_type": "application/json", "headers": bearer}
                told.append(browser.post("/v1/platform/gateway/call", asked, **kind).content)
        for path in ("calls", "tools", "none"):
            told.append(browser.get(f"/v1/platform/gateway/{path}", headers=bearer).content)
        return b"\n".join(told).decode()

    def _refresh(self, shop, upstream):
        told = f"Sign in with {self.credential} or {_encoded(self.credential)}."
        upstream.instructions = told
        upstream.tool("text", description=told, schema={"type": "object", "description": told})
        registry.refresh("shop", GATEWAY, actor="test", at=timezone.now())

    def _visit(self):
        with global_tx():
            ann = Operator.objects.create_user("ann", platform_role=Role.ADMIN)
        client = Client(raise_request_exception=False)
        client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
        told = []
        for page in PAGES:
            answer = client.get(f"/admin/{page}")
            assert answer.status_code == 200, page
            told.append(answer.content.decode())
        told += [
            client.get(path).content.decode() for path in ("/metrics", "/readyz", "/admin/none")
        ]
        return "\n".join(told)


_lived = Lived()


@pytest.fixture
def lived(request, monkeypatch, tmp_path):
    """What one day left behind; lived once by each process of the suite."""
    if not _lived.places:
        monkeypatch.setenv(NAME, _lived.credential)
        shop, upstream = (request.getfixturevalue(name) for name in ("shop", "upstream"))
        _lived.live(shop, upstream, tmp_path)
    return _lived


PLACES = (
    *("results", "unrecorded", "error page", "pages", "logs", "rows", "valkey and tasks"),
    *("servers", "audit export", "doors"),
)


def forms(value):
    return {*spellings(value), value.encode().hex(), quote(value), value[:12], value[-12:]}


CHILD = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    told = {"jsonrpc": "2.0", "id": asked.get("id")}
    if asked["method"] == "initialize":
        told["result"] = {"protocolVersion": asked["params"]["protocolVersion"],
                          "capabilities": {"tools": {}},
                          "serverInfo": {"name": "x", "version": "1"}}
    elif asked["method"] == "tools/call":
        told["result"] = {"content": [{"type": "text", "text": "I have " + str(dict(os.environ))}]}
    else:
        told["error"] = {"code": -32601, "message": "unknown"}
    if "id" in asked:
        print(json.dumps(told), flush=True)
"""


class TestCredential:
    def test_was_said_back_by_every_tool(self, lived):
        """What the other tests look for was there to be found."""
        assert {seen.tool for seen in lived.sent} == TALES.keys()
        assert len(lived.sent) > len(TALES)
        assert {seen.headers["authorization"] for seen in lived.sent} == {
            f"Bearer {lived.credential}"
        }
        for place in ("results", "doors", "pages", "rows"):
            assert "[secret:credential:" in lived.places[place]
        assert "text__shop" in lived.places["rows"]
        assert "text__shop" in lived.places["pages"]

    def test_travels_in_its_header_alone(self, lived):
        for seen in lived.sent:
            others = {name: each for name, each in seen.headers.items() if name != "authorization"}
            assert lived.credential not in f"{others} {seen.arguments}"

    @pytest.mark.parametrize("place", PLACES)
    def test_is_not_found_in(self, lived, place):
        assert lived.places[place]
        found = {form for form in forms(lived.credential) if form in lived.places[place]}
        assert not found

    @pytest.mark.parametrize("place", PLACES)
    def test_of_an_agent_is_not_found_in(self, lived, place):
        """An agent put a password of its own into the arguments."""
        assert not {form for form in forms(lived.password) if form in lived.places[place]}

    def test_of_an_agent_never_left(self, lived):
        assert not any(lived.password in str(seen.arguments) for seen in lived.sent)

    def test_is_told_by_nothing_that_holds_it(self):
        value = word()
        secret = Secret(value, version="1")
        holders = [
            secret,
            {"a": [secret]},
            Echoes([secret]),
            Cleaner(None, [secret]),
            Answer(({"type": "text", "text": value},), {"a": value}),
            Listing(instructions=value, tools=({"name": value},)),
        ]
        told = [spell(each) for each in holders for spell in (repr, str, "{}".format)]
        for spell in (pickle.dumps, json.dumps, copy.deepcopy):
            with pytest.raises(TypeError) as raised:
                spell(secret)
            told.append(str(raised.value))
        assert value not in "".join(told)

    def test_is_in_no_failure_to_resolve_it(self, monkeypatch):
        value = word()
        monkeypatch.setenv(NAME, f"{value}\udcff")
        with pytest.raises(Failed) as raised:
            credentials.resolve(f"env:{NAME}", project_id="shop")
        reason = raised.value.with_traceback(raised.value.__traceback__.tb_next)
        trace = traceback.TracebackException.from_exception(reason, capture_locals=True)
        assert value not in "".join(trace.format())

    def test_is_no_name_of_a_session(self, shop, monkeypatch):
        value = word()
        monkeypatch.setenv(NAME, value)
        shop.sign(credential_ref=f"env:{NAME}")
        body = queries.of_project("shop")["mcp_gateway", GATEWAY]
        target = targets.of_gateway("shop", GATEWAY, body)
        assert value not in f"{target} {target.session_key} {target!r}"
        with pytest.raises(TypeError):
            dataclasses.asdict(target)
        monkeypatch.setenv(NAME, value + "x")
        assert targets.of_gateway("shop", GATEWAY, body).session_key != target.session_key

    def test_in_a_childs_environment_is_not_found_in_its_answer(self, shop, monkeypatch, tmp_path):
        value = word()
        monkeypatch.setenv(NAME, value)
        monkeypatch.setenv("OTHER", other := word())
        (tmp_path / "child.py").write_text(CHILD)
        shop.sign(
            transport={
                "kind": "stdio",
                "command": [sys.executable, str(tmp_path / "child.py")],
                "environment": {"TOKEN": f"env:{NAME}"},
            }
        )
        told = str(calls.call_tool(shop.call("echo")))
        assert "'TOKEN': '[secret:" in told
        assert value not in told
        assert other not in told
