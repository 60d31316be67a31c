"""What hosts do to a call: another key, no answer, a cut line; and that nothing runs twice."""

import asyncio
import time

import asyncssh
import pytest

from awooop.errors import Code
from gateway.providers.base import Failed, Permit, Secret, Target
from gateway.providers.ssh import Ssh
from tests.peers import ssh_server
from tests.peers.ssh_server import Said


@pytest.fixture(scope="module")
def _host():
    with ssh_server.serving(("ssh-ed25519", "ssh-rsa")) as host:
        yield host


@pytest.fixture
def host(_host):
    _host.said.clear()
    _host.lines.clear()
    _host.logins, _host.open_delay, _host.most_channels = 0, 0.0, 100
    _host.started.clear()
    _host.closed.clear()
    return _host


def provider_of(host, key=None, **contract):
    hosts = [host.contract() | contract]
    return Ssh(
        Target(
            project_id="acme",
            gateway_id="hosts",
            body_hash="0" * 64,
            transport={"kind": "ssh", "hosts": hosts},
            credential=Secret(key or host.client_key, version="1"),
        )
    )


async def restart(provider, seconds=5.0):
    return await provider.call(
        "ssh_docker_restart",
        {"host": "web", "container": "web"},
        permit=Permit(time.monotonic() + seconds),
        progress=None,
    )


def failure(provider, **how):
    """Restart a container in vain, and return why."""

    async def once():
        try:
            async with asyncio.timeout(10):
                with pytest.raises(Failed) as failed:
                    await restart(provider, **how)
        finally:
            await provider.close()
        return failed.value

    return asyncio.run(once())


def until(event):
    return asyncio.get_running_loop().run_in_executor(None, event.wait, 5)


class TestTheKeyOfAHost:
    def test_must_be_the_one_that_the_contract_names(self, host):
        other = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint("sha256")
        failed = failure(provider_of(host, host_key_sha256=other))
        assert (failed.code, failed.sent) == (Code.UPSTREAM_ADDRESS, False)
        assert (host.lines, host.logins) == ([], 0)

    @pytest.mark.parametrize(
        "kinds", [("ssh-rsa", "ssh-ed25519"), ("ecdsa-sha2-nistp256",), ("ssh-rsa",)]
    )
    def test_may_be_of_any_kind_the_host_has(self, kinds):
        with ssh_server.serving(kinds) as host:

            async def once():
                provider = provider_of(host)
                await restart(provider)
                await provider.close()

            asyncio.run(once())
            assert len(host.lines) == 1
            stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
            assert failure(provider_of(host, stranger)).code is Code.CREDENTIAL_AWAY


class TestACredential:
    @pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAA=="])
    def test_that_is_no_key_reaches_nobody(self, host, key):
        failed = failure(provider_of(host, key or " "))
        assert (failed.code, failed.sent) == (Code.CREDENTIAL_AWAY, False)
        assert key.strip() == "" or key not in str(failed)
        assert host.logins == 0

    def test_with_a_passphrase_is_refused(self, host):
        key = asyncssh.generate_private_key("ssh-ed25519")
        locked = key.export_private_key("pkcs8-pem", passphrase="x")
        assert failure(provider_of(host, locked.decode())).code is Code.CREDENTIAL_AWAY

    def test_that_the_host_does_not_know_runs_nothing(self, host):
        key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
        failed = failure(provider_of(host, key))
        assert (failed.code, failed.sent) == (Code.CREDENTIAL_AWAY, False)
        assert host.lines == []


class TestAHost:
    def test_that_is_not_there_got_nothing(self, host):
        failed = failure(provider_of(host, port=1))
        assert (failed.code, failed.sent) == (Code.UPSTREAM_AWAY, False)

    def test_that_speaks_no_ssh_got_nothing(self, host):
        async def once():
            async def answer(reader, writer):
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 1_000)
                await writer.drain()
                writer.close()

            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            provider = provider_of(host, port=server.sockets[0].getsockname()[1])
            with pytest.raises(Failed) as failed:
                await restart(provider)
            await provider.close()
            server.close()
            return failed.value

        failed = asyncio.run(once())
        assert failed.code in (Code.UPSTREAM_BROKEN, Code.UPSTREAM_AWAY)
        assert failed.sent is False

    @pytest.mark.parametrize("then", ["die", "vanish"])
    def test_that_goes_while_a_command_runs_may_have_run_it(self, host, then):
        host.said["restart"] = Said(then=then)
        failed = failure(provider_of(host))
        assert (failed.code, failed.sent) == (Code.UPSTREAM_AWAY, True)
        assert len(host.lines) == 1

    def test_that_goes_while_a_log_is_looked_for_changed_nothing(self, host):
        async def once():
            host.said["inspect"] = Said(then="die")
            provider = provider_of(host)
            with pytest.raises(Failed) as failed:
                await provider.call(
                    "ssh_clear_docker_logs",
                    {"host": "web", "container": "web"},
                    permit=Permit(time.monotonic() + 5),
                    progress=None,
                )
            await provider.close()
            return failed.value

        assert asyncio.run(once()).sent is False

    def test_that_has_no_channel_left_got_nothing(self, host):
        host.most_channels = 0
        failed = failure(provider_of(host))
        assert (failed.code, failed.sent) == (Code.UPSTREAM_BUSY, False)
        assert host.lines == []


class TestAPermit:
    def test_that_ran_out_while_connecting_sends_nothing(self, host):
        failed = failure(provider_of(host), seconds=0.0)
        assert (failed.code, failed.sent) == (Code.UPSTREAM_BUSY, False)
        assert host.lines == []

    def test_that_ran_out_while_the_host_opened_a_channel_sends_nothing(self, host):
        async def once():
            provider = provider_of(host)
            await restart(provider)  # the connection is there
            host.open_delay = 0.2
            with pytest.raises(Failed) as failed:
                await restart(provider, seconds=0.1)
            await provider.close()
            return failed.value

        assert asyncio.run(once()).sent is False
        assert len(host.lines) == 1


class TestConnections:
    def test_are_made_before_a_permit_is_asked_for(self, host):
        async def story():
            provider = provider_of(host)
            await provider.ready("ssh_reload_nginx", {"host": "web"})
            assert host.lines == []
            with pytest.raises(Failed):
                await provider.ready("ssh_reload_nginx", {"host": "other"})
            await restart(provider, seconds=0.2)
            await provider.close()

        asyncio.run(story())
        assert (host.logins, len(host.lines)) == (1, 1)

    def test_that_hang_hold_up_nobody_else(self, host):
        async def story():
            quiet = await asyncio.start_server(lambda *_: asyncio.sleep(9), "127.0.0.1", 0)
            slow = provider_of(host, port=quiet.sockets[0].getsockname()[1])
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await restart(slow)
            await slow.close()
            quiet.close()
            provider = provider_of(host)
            await restart(provider)
            await provider.close()

        asyncio.run(story())

    def test_are_shared_and_replaced_when_broken(self, host):
        async def story():
            provider = provider_of(host)
            await asyncio.gather(*(restart(provider) for _ in range(8)))
            assert host.logins == 1
            host.said["restart"] = Said(then="die")
            with pytest.raises(Failed):
                await restart(provider)
            host.said.clear()
            await restart(provider)
            assert host.logins == 2
            await provider.close()

        asyncio.run(story())
        assert len(host.lines) == 10

    def test_leave_no_channel_behind_that_opens_too_late(self, host):
        async def story():
            provider = provider_of(host)
            await provider.ready("ssh_reload_nginx", {"host": "web"})
            host.open_delay = 0.3
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await restart(provider)
            assert await until(host.closed)
            await provider.close()

        asyncio.run(story())
        assert host.lines == []

    def test_survive_a_call_that_is_cancelled(self, host):
        async def story():
            provider = provider_of(host)
            host.said["restart"] = Said(then="hang")
            call = asyncio.create_task(restart(provider))
            await until(host.started)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await until(host.closed)  # its channel alone
            host.said.clear()
            await restart(provider)
            assert host.logins == 1
            await provider.close()

        asyncio.run(story())
        assert len(host.lines) == 2
