"""The commands behind the tools: lists of words, quoted when they are sent, never free text."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.providers.toolbox import unfit

Arguments = Mapping[str, Any]
_LINES = 100
_PS = "table {{.Names}}\t{{.Status}}\t{{.Image}}"
_LOG_PATH = re.compile(r"(/var/lib/docker/containers/([0-9a-f]{64})/\2-json\.log)\s*")


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    :param as_root: through ``sudo -n``, unless the contract's user is root.
    :param fine: exit statuses that are an answer, not an error.
    """

    words: tuple[str, ...]
    as_root: bool = False
    fine: frozenset[int] = frozenset({0})

    def line(self, user: str) -> str:
        """Return what a POSIX shell reads as exactly these words."""
        sudo = ("sudo", "-n", "--") if self.as_root and user != "root" else ()
        return shlex.join((*sudo, *self.words))


def _unit_status(args: Arguments) -> Command:
    words = ("systemctl", "status", "--no-pager", "--lines=20", "--", args["unit"])
    return Command(words, fine=frozenset({0, 3}))  # 3: it is not running


def _journal(args: Arguments) -> Command:
    lines = f"--lines={int(args.get('lines', _LINES))}"
    words = ("journalctl", "--no-pager", "--output=short-iso", lines, f"--unit={args['unit']}")
    return Command(words)


def _docker_logs(args: Arguments) -> Command:
    lines = f"--tail={int(args.get('lines', _LINES))}"
    return Command(("docker", "logs", "--timestamps", lines, "--", args["container"]))


_CHECKS: Mapping[str, Command | Callable[[Arguments], Command]] = {
    "uptime": Command(("uptime",)),
    "disk": Command(("df", "-h", "-x", "tmpfs", "-x", "devtmpfs")),
    "memory": Command(("free", "-m")),
    "load": Command(("cat", "/proc/loadavg")),
    "failed_units": Command(("systemctl", "list-units", "--failed", "--no-pager", "--plain")),
    "unit_status": _unit_status,
    "docker_ps": Command(("docker", "ps", "--all", f"--format={_PS}")),
    "docker_logs": _docker_logs,
    "journal": _journal,
    "certificates": Command(("certbot", "certificates"), as_root=True),
}
_NEEDS = {
    "unit_status": {"unit"},
    "journal": {"unit", "lines"},
    "docker_logs": {"container", "lines"},
}


def diagnose(args: Arguments) -> Command:
    """Return a check's command.

    :raises Failed: the check needs an argument that is missing, or takes none that is given.
    """
    check, given = args["check"], args.keys() - {"host", "check"}
    needs = _NEEDS.get(check, set())
    if missing := sorted(needs - given - {"lines"}):
        raise unfit(f"the check {check} needs {missing[0]}")
    if foreign := sorted(given - needs):
        raise unfit(f"the check {check} takes no {foreign[0]}")
    found = _CHECKS[check]
    return found if isinstance(found, Command) else found(args)


def docker_restart(args: Arguments) -> Command:
    """Return what restarts a container."""
    return Command(("docker", "restart", "--", args["container"]))


def compose_restart(args: Arguments) -> Command:
    """Return what restarts a compose project, or one service of it."""
    words = ["docker", "compose", f"--project-directory={args['project_dir']}", "restart"]
    return Command((*words, "--", args["service"]) if "service" in args else tuple(words))


def systemctl_restart(args: Arguments) -> Command:
    """Return what restarts a unit."""
    return Command(("systemctl", "restart", "--", args["unit"]), as_root=True)


def renew_ssl(args: Arguments) -> Command:
    """Return what renews a certificate that is due."""
    words = ("certbot", "renew", "--non-interactive", "--no-random-sleep-on-renew", "--cert-name")
    return Command((*words, args["domain"]), as_root=True)


def reload_nginx(_: Arguments) -> Command:
    """Return what has nginx read its configuration again."""
    return Command(("systemctl", "reload", "--", "nginx.service"), as_root=True)


def docker_prune(args: Arguments) -> Command:
    """Return what removes things docker no longer uses."""
    noun = {"images": "image", "containers": "container", "builder": "builder"}[args["what"]]
    older = f"--filter=until={int(args['older_than_hours'])}h"
    return Command(("docker", noun, "prune", "--force", older))


def log_path(args: Arguments) -> Command:
    """Return what tells where docker keeps a container's log."""
    words = ("docker", "inspect", "--type=container", "--format={{.LogPath}}")
    return Command((*words, "--", args["container"]))


def empty_log(answered: bytes) -> Command | None:
    """Return what empties the log that :func:`log_path` told of; None when it is no such path."""
    found = _LOG_PATH.fullmatch(answered[:1_000].decode("ascii", "replace"))
    return found and Command(("truncate", "-s", "0", "--", found[1]), as_root=True)


COMMANDS: Mapping[str, Callable[[Arguments], Command]] = {
    "ssh_diagnose": diagnose,
    "ssh_docker_restart": docker_restart,
    "ssh_docker_compose_restart": compose_restart,
    "ssh_systemctl_restart": systemctl_restart,
    "ssh_clear_docker_logs": log_path,  # what it tells is emptied then
    "ssh_renew_ssl": renew_ssl,
    "ssh_reload_nginx": reload_nginx,
    "ssh_docker_prune": docker_prune,
}
