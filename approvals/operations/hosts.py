"""The commands for hosts that are understood: a closed table of words, with blanks for names."""

import re
from typing import Any

from approvals.operations.words import typed, unread
from gateway.providers.ssh.tools import TOOLBOX

_WHATS = {"image": "images", "container": "containers", "builder": "builder"}
_PRUNE = "docker {noun} prune {force} --filter until=<older_than_hours>h"

_TABLE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("systemctl restart <unit>", "ssh_systemctl_restart", {}),
    ("docker restart <container>", "ssh_docker_restart", {}),
    ("docker compose --project-directory <project_dir> restart", "ssh_docker_compose_restart", {}),
    (
        "docker compose --project-directory <project_dir> restart <service>",
        "ssh_docker_compose_restart",
        {},
    ),
    *(
        (line, "ssh_reload_nginx", {})
        for line in (
            "systemctl reload nginx",
            "systemctl reload nginx.service",
            "nginx -s reload",
            "reload nginx",
        )
    ),
    ("certbot renew --cert-name <domain>", "ssh_renew_ssl", {}),
    ("renew ssl <domain>", "ssh_renew_ssl", {}),
    ("clear docker logs <container>", "ssh_clear_docker_logs", {}),
    ("docker prune <what> <older_than_hours>h", "ssh_docker_prune", {}),
    *(
        (_PRUNE.format(noun=noun, force=force), "ssh_docker_prune", {"what": what})
        for noun, what in _WHATS.items()
        for force in ("-f", "--force")
    ),
    ("uptime", "ssh_diagnose", {"check": "uptime"}),
    ("df -h", "ssh_diagnose", {"check": "disk"}),
    ("free -m", "ssh_diagnose", {"check": "memory"}),
    ("free -h", "ssh_diagnose", {"check": "memory"}),
    ("cat /proc/loadavg", "ssh_diagnose", {"check": "load"}),
    ("systemctl --failed", "ssh_diagnose", {"check": "failed_units"}),
    ("systemctl status <unit>", "ssh_diagnose", {"check": "unit_status"}),
    ("journalctl -u <unit>", "ssh_diagnose", {"check": "journal"}),
    ("journalctl -u <unit> -n <lines>", "ssh_diagnose", {"check": "journal"}),
    ("docker ps", "ssh_diagnose", {"check": "docker_ps"}),
    ("docker ps -a", "ssh_diagnose", {"check": "docker_ps"}),
    ("docker logs <container>", "ssh_diagnose", {"check": "docker_logs"}),
    ("docker logs --tail <lines> <container>", "ssh_diagnose", {"check": "docker_logs"}),
    ("certbot certificates", "ssh_diagnose", {"check": "certificates"}),
)
_BLANK = re.compile(r"<([a-z_]+)>")
_TYPES = {each["name"]: each["inputSchema"]["properties"] for each in TOOLBOX.listing.tools}


def _pattern(line: str) -> list[re.Pattern[str]]:
    return [
        re.compile(_BLANK.sub(r"(?P<\1>[^=\\s-][^=\\s]*?)", re.escape(word).replace(r"\<", "<")))
        for word in line.split()
    ]


_PATTERNS = [(_pattern(line), tool, fixed) for line, tool, fixed in _TABLE]


def read(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the tool and the arguments that the words ask for.

    The host stands before (``ssh web uptime``) or among them (``uptime host=web``). ``sudo`` is
    the provider's to decide.

    :raises Invalid: nothing in the table is spelled so, or no host is named.
    """
    host, line = _host(words)
    if line[:1] == ["sudo"]:
        line = line[1:]
    line = [part for word in line for part in _parted(word)]
    for patterns, tool, fixed in _PATTERNS:
        if len(patterns) != len(line):
            continue
        found = [each.fullmatch(word) for each, word in zip(patterns, line, strict=True)]
        if all(found):
            blanks = {k: v for each in found if each for k, v in each.groupdict().items()}
            named = {name: typed(word, _TYPES[tool][name]) for name, word in blanks.items()}
            return tool, {"host": host, **fixed, **named}
    raise unread(f"no tool does {' '.join(line)[:80]}")


def _host(words: list[str]) -> tuple[str, list[str]]:
    if words[0] == "ssh":
        if len(words) < 3 or words[1].startswith("-"):
            raise unread("say ssh HOST and one command of the table")
        return words[1], words[2:]
    named = [word.removeprefix("host=") for word in words if word.startswith("host=")]
    if len(named) != 1:
        raise unread("it is no kubectl command, and no host is named: host=NAME, or ssh NAME first")
    return named[0], [word for word in words if not word.startswith("host=")]


def _parted(word: str) -> list[str]:
    """Take ``--name=value`` apart."""
    name, equals, value = word.partition("=")
    return [name, value] if equals and word.startswith("--") and name != "--" else [word]
