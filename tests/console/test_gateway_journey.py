"""An operator's day with a tool: listed, read, released, changed under their eyes, stopped."""

import re
from html import unescape

import pytest

from awooop.tenants.models import Role
from awooop.tenants.modes import Mode
from gateway import calls, hub, switches
from tests.gateway import governed
from tests.gateway.upstreams import good

AT = "/admin/gateways/shop/shop/"
TOOL = f"{AT}tools/echo/"


def text(answer):
    return unescape(answer.content.decode())


@pytest.fixture
def upstream(clean):
    with good.serving() as served:
        yield served
    hub.the().forget()


@pytest.fixture
def shop(new_tenant, upstream):
    """A project whose contract names ``echo``, which nobody has listed yet."""
    made = governed.Governed("shop", new_tenant("shop", Mode.SHADOW).agent_id, upstream.url)
    made.tools["echo"] = {"tool_name": "echo", "is_destructive": False, "scope": "read"}
    made.sign()
    made.go(Mode.ACTIVE)
    return made


class TestOperator:
    def test_decides_what_agents_may_call(self, shop, upstream, signed_in, monkeypatch):
        monkeypatch.setattr(switches, "PERMIT_SECONDS", 0.25)
        admin = signed_in(member_of=["shop"], role=Role.ADMIN)

        def called():
            return calls.call_tool(shop.call("echo", {"say": "hello"}))

        def released():
            (pin,) = re.findall(r'name="pin" value="(\w+)"', text(admin.get(TOOL)))
            return admin.post(f"{AT}release/echo/", {"pin": pin}, follow=True)

        assert "The server was listed again." in text(admin.post(f"{AT}refresh/", follow=True))
        assert 'tools/echo/"' in text(admin.get("/admin/quarantine/"))
        assert called().code == "E-MCP-GATE-004"

        assert "The tool is released." in text(released())
        assert called().status == "success"
        assert 'tools/echo/"' not in text(admin.get("/admin/quarantine/"))

        upstream.tool("echo", description="Another\u200b one.")
        admin.post(f"{AT}refresh/")
        told = text(admin.get(TOOL))
        assert "Suspended" in told
        assert "Another⟨U+200B⟩ one." in re.sub(r"</?mark[^>]*>", "", told)
        assert called().code == "E-MCP-GATE-004"
        released()

        form = {"level": "agent", "project": "shop", "key": shop.agent_id, "reason": "Enough."}
        seal = f"agent:shop:{shop.agent_id}"
        admin.post("/admin/switches/throw/", {**form, "confirmed": seal})
        assert called().code == "E-MCP-KILL-001"

        assert len(upstream.calls) == 1
        rows = re.findall(
            r"<code>(E-MCP-[\w-]+)</code>|</span>Success</span>", text(admin.get("/admin/calls/"))
        )
        assert rows == ["E-MCP-KILL-001", "E-MCP-GATE-004", "", "E-MCP-GATE-004"]
