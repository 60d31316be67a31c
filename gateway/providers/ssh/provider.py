"""Hosts, as a provider of tools."""

from collections.abc import Mapping
from typing import Any

from gateway.providers.base import Answer, Failed, Listener, Listing, Permit, Progress, Target
from gateway.providers.ssh import commands, sessions
from gateway.providers.ssh.commands import Command
from gateway.providers.ssh.connections import Connections
from gateway.providers.ssh.sessions import Ended
from gateway.providers.ssh.tools import TOOLBOX
from gateway.providers.toolbox import named, told, unfit

_CLEAR_LOGS = "ssh_clear_docker_logs"


class Ssh:
    """The hosts of one contract, with its private key.

    The contract names each host and its key, so a private address among them is a named one. Only
    the host key counts: no known_hosts file, no trust on first use, no certificates; nothing of
    the environment, no agent, no forwarding, no terminal.
    """

    def __init__(self, target: Target) -> None:
        self._hosts = {host["name"]: host for host in target.transport["hosts"]}
        self._connections = Connections(target.credential)

    async def tools(self) -> Listing:
        return TOOLBOX.listing

    async def ready(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Connect to the host that a call is for: a first connection may outlive a permit.

        :raises Failed: the arguments do not fit, or the host cannot be reached; nothing was sent.
        """
        host, _ = self._judged(tool, arguments)
        await self._connections.to(host)

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        permit: Permit,
        progress: Progress | None,
        listener: Listener | None = None,
    ) -> Answer:
        """Run a tool's command on a host, once.

        :raises Failed: the arguments do not fit (nothing is sent then), or nobody knows how the
            command ended.
        """
        host, command = self._judged(tool, arguments)
        if tool == _CLEAR_LOGS:
            return await self._clear_logs(host, command, permit)
        return _answered(command, await self._run(host, command, permit))

    async def close(self) -> None:
        await self._connections.close()

    def _judged(self, tool: str, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], Command]:
        TOOLBOX.judge(tool, arguments)
        host = self._hosts.get(arguments["host"])
        if host is None:
            raise unfit(f"the contract names the hosts {named(tuple(self._hosts))}")
        return host, commands.COMMANDS[tool](arguments)

    async def _clear_logs(self, host: Mapping[str, Any], asking: Command, permit: Permit) -> Answer:
        try:
            told_path = await self._run(host, asking, permit)
        except Failed as failure:  # up to here it only read
            raise Failed(failure.code, failure.detail, sent=False) from None
        if told_path.status != 0:
            return _answered(asking, told_path)
        emptying = commands.empty_log(told_path.out.bytes())
        if emptying is None:
            return told("the container's log is not a json-file of docker's own", is_error=True)
        return _answered(emptying, await self._run(host, emptying, None))

    async def _run(self, host: Mapping[str, Any], command: Command, permit: Permit | None) -> Ended:
        connection = await self._connections.to(host)
        return await sessions.run(connection, command.line(host["user"]), permit)


def _answered(command: Command, ended: Ended) -> Answer:
    facts = {"exit_status": ended.status, "signal": ended.signal}
    parts = [ended.out.text().rstrip("\n")]
    if err := ended.err.text().rstrip("\n"):
        parts.append(f"[stderr]\n{err}")
    if ended.signal:
        parts.append(f"[ended by signal {ended.signal}]")
    elif ended.status != 0:
        parts.append(f"[exit status {ended.status}]")
    text = "\n".join(filter(None, parts)) or "(no output)"
    return told(text, facts, is_error=ended.status not in command.fine)
