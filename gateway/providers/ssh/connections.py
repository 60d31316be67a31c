"""Connections to hosts: one a host, each to exactly the key that the contract names."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncssh

from awooop.errors import Code
from gateway.providers.base import Failed, Secret

_CONNECT_SECONDS, _LOGIN_SECONDS = 10, 15
_KEEPALIVE_SECONDS = 30
# The contract does not say of which kind the host's key is, and a host shows one a connection.
_KINDS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


class Connections:
    """Connections that calls share; a broken one is replaced by the next call."""

    def __init__(self, credential: Secret | None) -> None:
        asyncssh.set_log_level("WARNING")  # its info lines spell out commands
        self._credential = credential
        self._key: asyncssh.SSHKey | None = None
        self._open: dict[str, asyncssh.SSHClientConnection] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def to(self, host: Mapping[str, Any]) -> asyncssh.SSHClientConnection:
        """Return the connection to a host of the contract.

        :raises Failed: it cannot be reached, is another one, or does not take the key.
        """
        name = host["name"]
        async with self._making.setdefault(name, asyncio.Lock()):
            kept = self._open.get(name)
            if kept is None or kept.is_closed():
                kept = self._open[name] = await self._connected(host)
        return kept

    async def close(self) -> None:
        """Close them all."""
        kept = list(self._open.values())
        self._open.clear()
        for each in kept:
            each.abort()
        for each in kept:
            await each.wait_closed()

    async def _connected(self, host: Mapping[str, Any]) -> asyncssh.SSHClientConnection:
        if self._key is None:
            self._key = _private_key(self._credential)
        left = dict(_KINDS)
        while left:
            client = _Client(host["host_key_sha256"])
            try:
                return await self._tried(
                    host, client, [each for kind in left.values() for each in kind]
                )
            except Failed as failure:
                if failure.code is Code.CREDENTIAL_AWAY or len(left) == len(_KINDS):
                    raise
                break  # the host has no further kinds, in whatever way it says so
            except asyncssh.HostKeyNotVerifiable:
                if left.pop(client.shown, None) is None:
                    break
        detail = "no key of the host is the one that the contract names"
        raise Failed(Code.UPSTREAM_ADDRESS, detail, sent=False)

    async def _tried(
        self, host: Mapping[str, Any], client: "_Client", algorithms: list[str]
    ) -> asyncssh.SSHClientConnection:
        try:
            return await asyncssh.connect(
                host["address"],
                int(host.get("port", 22)),
                username=host["user"],
                client_factory=lambda: client,
                client_keys=self._key and [self._key],
                known_hosts=([], [], []),
                server_host_key_algs=algorithms,
                preferred_auth=["publickey"],
                config=None,
                agent_path=None,
                agent_forwarding=False,
                gss_host=None,
                x509_trusted_certs=None,
                compression_algs=["none"],
                connect_timeout=_CONNECT_SECONDS,
                login_timeout=_LOGIN_SECONDS,
                keepalive_interval=_KEEPALIVE_SECONDS,
            )
        except asyncssh.HostKeyNotVerifiable:
            raise
        except asyncssh.PermissionDenied:
            detail = "the host does not accept the key for this user"
            raise Failed(Code.CREDENTIAL_AWAY, detail, sent=False) from None
        except (asyncssh.ProtocolError, asyncssh.KeyExchangeFailed):
            raise Failed(Code.UPSTREAM_BROKEN, "it does not speak our SSH", sent=False) from None
        except (asyncssh.Error, OSError, ValueError):
            raise Failed(Code.UPSTREAM_AWAY, sent=False) from None


class _Client(asyncssh.SSHClient):
    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self.shown = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.shown = key.get_algorithm()
        return key.get_fingerprint("sha256") == self._fingerprint


def _private_key(credential: Secret | None) -> asyncssh.SSHKey:
    if credential is None:
        detail = "the contract names no credential_ref; it holds the private key"
        raise Failed(Code.CREDENTIAL_AWAY, detail, sent=False)
    try:
        return asyncssh.import_private_key(credential.reveal())
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        detail = "it is no private key in OpenSSH's form, without a passphrase"
        raise Failed(Code.CREDENTIAL_AWAY, detail, sent=False) from None
