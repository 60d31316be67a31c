"""The hosts' tools, against a real SSH server that keeps what it was told to run."""

import asyncio
import shlex
import time

import pytest

from awooop.errors import Code
from gateway import harm
from gateway.providers.base import Failed, Permit, Secret, Target
from gateway.providers.ssh import Ssh
from gateway.providers.ssh.sessions import KEPT, Tail
from gateway.providers.ssh.tools import TOOLBOX
from tests.peers import ssh_server
from tests.peers.ssh_server import Said

ID = "ab" * 32
LOG_PATH = f"/var/lib/docker/containers/{ID}/{ID}-json.log"


@pytest.fixture(scope="module")
def _host():
    with ssh_server.serving() as host:
        yield host


@pytest.fixture
def host(_host):
    _host.said.clear()
    _host.lines.clear()
    _host.requests.clear()
    _host.logins, _host.open_delay, _host.most_channels = 0, 0.0, 100
    _host.started.clear()
    _host.closed.clear()
    return _host


def target(host, **parts):
    transport = {"kind": "ssh", "hosts": [parts.pop("contract", None) or host.contract()]}
    secret = Secret(host.client_key, version="1")
    return Target(
        **{"project_id": "acme", "gateway_id": "hosts", "body_hash": "0" * 64}
        | {"transport": transport, "credential": secret}
        | parts
    )


def permit(seconds=5.0):
    return Permit(time.monotonic() + seconds)


async def asked(provider, tool, arguments, given=None):
    given = given or permit()
    return await provider.call(tool, {"host": "web", **arguments}, permit=given, progress=None)


def call(host, tool, given=None, /, **arguments):
    """Call a tool of a provider of its own, and close that."""

    async def once():
        provider = Ssh(target(host))
        try:
            async with asyncio.timeout(10):
                return await asked(provider, tool, arguments, given)
        finally:
            await provider.close()

    return asyncio.run(once())


def text(answer):
    return answer.content[0]["text"]


class TestCommands:
    @pytest.mark.parametrize(
        ("tool", "arguments", "line"),
        [
            ("ssh_diagnose", {"check": "uptime"}, "uptime"),
            ("ssh_diagnose", {"check": "disk"}, "df -h -x tmpfs -x devtmpfs"),
            ("ssh_diagnose", {"check": "memory"}, "free -m"),
            ("ssh_diagnose", {"check": "load"}, "cat /proc/loadavg"),
            (
                "ssh_diagnose",
                {"check": "failed_units"},
                "systemctl list-units --failed --no-pager --plain",
            ),
            (
                "ssh_diagnose",
                {"check": "unit_status", "unit": "nginx.service"},
                "systemctl status --no-pager --lines=20 -- nginx.service",
            ),
            (
                "ssh_diagnose",
                {"check": "docker_ps"},
                "docker ps --all '--format=table {{.Names}}\t{{.Status}}\t{{.Image}}'",
            ),
            (
                "ssh_diagnose",
                {"check": "docker_logs", "container": "shop-web.1", "lines": 20.0},
                "docker logs --timestamps --tail=20 -- shop-web.1",
            ),
            (
                "ssh_diagnose",
                {"check": "journal", "unit": "getty@tty1.service"},
                "journalctl --no-pager --output=short-iso --lines=100 --unit=getty@tty1.service",
            ),
            ("ssh_diagnose", {"check": "certificates"}, "sudo -n -- certbot certificates"),
            ("ssh_docker_restart", {"container": "shop_web"}, "docker restart -- shop_web"),
            (
                "ssh_docker_compose_restart",
                {"project_dir": "/srv/shop.v2"},
                "docker compose --project-directory=/srv/shop.v2 restart",
            ),
            (
                "ssh_docker_compose_restart",
                {"project_dir": "/srv/shop", "service": "web"},
                "docker compose --project-directory=/srv/shop restart -- web",
            ),
            (
                "ssh_systemctl_restart",
                {"unit": "nginx.service"},
                "sudo -n -- systemctl restart -- nginx.service",
            ),
            (
                "ssh_renew_ssl",
                {"domain": "shop.example.com"},
                "sudo -n -- certbot renew --non-interactive --no-random-sleep-on-renew "
                "--cert-name shop.example.com",
            ),
            ("ssh_reload_nginx", {}, "sudo -n -- systemctl reload -- nginx.service"),
            (
                "ssh_docker_prune",
                {"what": "images", "older_than_hours": 72},
                "docker image prune --force --filter=until=72h",
            ),
        ],
    )
    def test_are_exactly_these(self, host, tool, arguments, line):
        assert not call(host, tool, **arguments).is_error
        assert host.lines == [line]
        assert not host.requests

    def test_go_without_sudo_for_root(self, host):
        async def once():
            provider = Ssh(target(host, contract=host.contract(user="root")))
            await asked(provider, "ssh_reload_nginx", {})
            await provider.close()

        asyncio.run(once())
        assert host.lines == ["systemctl reload -- nginx.service"]

    def test_empty_a_log_where_docker_keeps_it(self, host):
        host.said["inspect"] = Said(out=LOG_PATH + "\n")
        assert not call(host, "ssh_clear_docker_logs", container="web").is_error
        assert host.lines == [
            "docker inspect --type=container '--format={{.LogPath}}' -- web",
            f"sudo -n -- truncate -s 0 -- {LOG_PATH}",
        ]

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/etc/passwd",
            LOG_PATH + "; rm -rf /",
            LOG_PATH + "\n/etc/passwd",
            f"/var/lib/docker/containers/{ID}/{'cd' * 32}-json.log",
            "/var/lib/docker/containers/../../../../etc/passwd-json.log",
        ],
    )
    def test_empty_nothing_else(self, host, path):
        host.said["inspect"] = Said(out=path)
        assert call(host, "ssh_clear_docker_logs", container="web").is_error
        assert len(host.lines) == 1


class TestDefinitions:
    def test_are_judged_as_what_they_are(self):
        tools = {tool["name"]: tool for tool in TOOLBOX.listing.tools}
        assert len(tools) == 8
        for name, tool in tools.items():
            reads = name == "ssh_diagnose"
            declared = {"annotations": tool["annotations"], "is_destructive": not reads}
            declared["scope"] = "read" if reads else "write"
            assert harm.is_destructive(name, {"host": "web"}, declared) is not reads
            assert tool["inputSchema"]["additionalProperties"] is False

    @pytest.mark.parametrize("check", TOOLBOX.listing.tools[0]["inputSchema"]["properties"]["check"]["enum"])  # fmt: skip  # noqa: E501
    def test_of_checks_are_harmless(self, check):
        declared = {"is_destructive": False, "scope": "read"}
        arguments = {"host": "web", "check": check, "unit": "nginx.service"}
        assert not harm.why("ssh_diagnose", arguments, declared)


BAD = [
    "web\n", "\nweb", "web;id", "web$(id)", "web`id`", "web|id", "web&id", "web>x", "web<x",
    "-web", "--help", "–web", "—web", "‑web", "−web", "w\x00eb", "web\x00", "..", "a..b", "../etc",
    "web id", "web\tid", "web'", 'web"', "web\\", "web*", "we?b", "w{e,b}", "$HOME", "~", "~root",
    "!!", "#web", "web=1", "wéb", "ｗeb", "we\u200bb", "we\u202eb", "web\r", "web\x1b[0m", "",
    " ", "a" * 5_000, "\ud800",
]  # fmt: skip
WORDS = [
    ("ssh_docker_restart", "container", {}),
    ("ssh_systemctl_restart", "unit", {}),
    ("ssh_docker_compose_restart", "service", {"project_dir": "/srv/shop"}),
    ("ssh_renew_ssl", "domain", {}),
    ("ssh_diagnose", "unit", {"check": "journal"}),
    ("ssh_diagnose", "container", {"check": "docker_logs"}),
    ("ssh_diagnose", "check", {}),
    ("ssh_docker_prune", "what", {"older_than_hours": 1}),
    ("ssh_reload_nginx", "host", {}),
]
OTHERS = [
    ("ssh_docker_compose_restart", {"project_dir": path})
    for path in (
        *("srv/shop", "/srv/../etc", "/srv/./x", "/", "//srv", "/srv/", "/srv/-x", "/srv/sh op"),
        *("/srv\n", "/srv/$(id)", "/srv/;id", "/srv/.ssh", "/s" * 200, "/srv/shop\x00", "~/shop"),
    )
] + [
    ("ssh_systemctl_restart", {"unit": unit})
    for unit in (
        *("reboot.target", "poweroff.target", "systemd-reboot.service", "systemd-poweroff"),
        *("rescue.service", "debug-shell", "multi-user.target", "-.mount", "home.mount"),
    )
] + [
    ("ssh_diagnose", {"check": "docker_logs", "container": "web", "lines": lines})
    for lines in (0, -1, 2_001, "20", 1.5, True, None, 10**400, "1; id")
] + [
    ("ssh_docker_prune", {"what": "images", "older_than_hours": hours})
    for hours in (0, -5, "72h", 9_000)
] + [
    ("ssh_docker_prune", {"what": "volumes", "older_than_hours": 1}),
    ("ssh_docker_prune", {"what": "images"}),
    ("ssh_diagnose", {"check": "unit_status"}),
    ("ssh_diagnose", {"check": "uptime", "unit": "nginx"}),
    ("ssh_diagnose", {"check": "uptime", "command": "id"}),
    ("ssh_diagnose", {"check": "disk", "lines": 5}),
    ("ssh_renew_ssl", {"domain": "localhost"}),
    ("ssh_renew_ssl", {"domain": "*.example.com"}),
    ("ssh_renew_ssl", {"domain": ["shop.example.com"]}),
    ("ssh_docker_restart", {"container": {"a": 1}}),
    ("ssh_docker_restart", {}),
    ("ssh_docker_restart", {"container": "web", "host": "other"}),
    ("ssh_docker_restart", {"container": "web", "host": "127.0.0.1"}),
]  # fmt: skip


class TestHostileArguments:
    def test_are_refused_before_anything_is_sent(self, host):
        hostile = [(tool, {**rest, name: bad}) for tool, name, rest in WORDS for bad in BAD]
        hostile += OTHERS

        async def all_of_them():
            provider = Ssh(target(host))
            for tool, arguments in hostile:
                with pytest.raises(Failed) as refusal:
                    await asked(provider, tool, arguments)
                assert refusal.value.code is Code.GATE_ARGUMENTS, arguments
                assert refusal.value.sent is False
            await provider.close()

        asyncio.run(all_of_them())
        assert len(hostile) > 400
        assert (host.lines, host.logins) == ([], 0)

    def test_are_no_tools(self, host):
        for tool in ("ssh_exec", "ssh_diagnose ", "", "k8s_get"):
            with pytest.raises(Failed) as refusal:
                call(host, tool)
            assert refusal.value.code is Code.TOOL_UNKNOWN
        assert host.logins == 0

    def test_would_be_one_word_each_if_they_came_through(self):
        from gateway.providers.ssh.commands import Command

        for bad in (each for each in BAD if each != "\ud800"):
            assert shlex.split(Command(("docker", bad), as_root=True).line("deploy"))[-1] == bad


class TestAnswers:
    def test_hold_both_streams_and_the_status(self, host):
        host.said["restart"] = Said(out="going\n", err="No such container: web\n", status=1)
        answer = call(host, "ssh_docker_restart", container="web")
        assert answer.is_error
        assert text(answer) == "going\n[stderr]\nNo such container: web\n[exit status 1]"
        assert answer.structured == {"exit_status": 1, "signal": None}

    def test_of_a_stopped_unit_are_no_error(self, host):
        host.said["status"] = Said(out="inactive (dead)", status=3)
        assert not call(host, "ssh_diagnose", check="unit_status", unit="nginx").is_error

    def test_tell_of_a_signal(self, host):
        host.said["uptime"] = Said(then="signal")
        answer = call(host, "ssh_diagnose", check="uptime")
        assert answer.is_error
        assert "signal KILL" in text(answer)

    def test_are_bounded_and_keep_the_end(self, host):
        host.said["docker logs"] = Said(then="flood")
        answer = call(host, "ssh_diagnose", check="docker_logs", container="web")
        assert text(answer).startswith("…cut\n")
        assert text(answer).endswith("the end")
        assert len(text(answer)) <= KEPT + 10

    def test_take_bytes_that_are_no_text(self, host):
        host.said["uptime"] = Said(out=b"\xff\xfe up \x00")
        assert "up" in text(call(host, "ssh_diagnose", check="uptime"))

    def test_keep_exactly_the_tail(self):
        tail = Tail(10)
        for part in (b"abc", b"defgh", b"i", b"jklm"):
            tail.add(part)
        assert tail.text() == "…cut\ndefghijklm"
        whole = Tail(10)
        whole.add(b"abc")
        assert whole.text() == "abc"
