"""The definitions of the hosts' tools. Each text has the shape of a name: never a dash first."""

from typing import Any

from gateway.providers.toolbox import Toolbox, definition

# No shell character, no space, no leading dash, no two dots together.
_WORD = r"[A-Za-z0-9_-]"
_FIRST = r"[A-Za-z0-9_]"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_UNIT = r"^[A-Za-z0-9](?:[A-Za-z0-9:_@-]|\.[A-Za-z0-9:_@-])*$"
# Restarting one of these ends the machine, or opens a root shell on its console.
_NEVER_RESTARTED = (
    r"^(?:systemd-(?:poweroff|reboot|soft-reboot|halt|kexec|exit|suspend|hibernate|hybrid-sleep"
    r"|suspend-then-hibernate)|emergency|rescue|debug-shell|initrd-[a-z-]+|ctrl-alt-del)"
    r"(?:\.service)?$"
)
_RESTARTED = r"^[^.]+$|\.(?:service|socket|timer)$"
CHECKS = (
    *("uptime", "disk", "memory", "load", "failed_units", "unit_status"),
    *("docker_ps", "docker_logs", "journal", "certificates"),
)

HOST = {
    "type": "string",
    "maxLength": 64,
    "pattern": r"^[a-z0-9][a-z0-9_-]*$",
    "description": "A host, by the name that the gateway's contract gives it.",
}
CONTAINER = {
    "type": "string",
    "maxLength": 128,
    "pattern": rf"^[A-Za-z0-9](?:{_WORD}|\.{_WORD})*$",
    "description": "A container's name or id.",
}
UNIT = {
    "type": "string",
    "maxLength": 200,
    "pattern": _UNIT,
    "description": "A systemd unit such as nginx.service.",
}
SERVICE_UNIT = {
    **UNIT,
    "allOf": [{"pattern": _RESTARTED}, {"not": {"pattern": _NEVER_RESTARTED}}],
    "description": "A systemd service, socket or timer such as nginx.service.",
}
SERVICE = {**CONTAINER, "description": "A service of the project; all of them without it."}
DIRECTORY = {
    "type": "string",
    "maxLength": 200,
    "pattern": rf"^(?:/{_FIRST}(?:{_WORD}|\.{_WORD})*)+$",
    "description": "The absolute path of the directory with the compose file.",
}
DOMAIN = {
    "type": "string",
    "maxLength": 253,
    "pattern": rf"^{_LABEL}(?:\.{_LABEL})+$",
    "description": "The certificate's name, a domain such as shop.example.com.",
}


def _whole(most: int, what: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": what}


TOOLBOX = Toolbox(
    "awooop-ssh",
    (
        definition(
            "ssh_diagnose",
            "Look at a host",
            "Run one check of a closed list. unit_status and journal need a unit, docker_logs "
            "needs a container; lines is for journal and docker_logs.",
            {
                "host": HOST,
                "check": {"type": "string", "enum": list(CHECKS), "description": "What to see."},
                "unit": UNIT,
                "container": CONTAINER,
                "lines": {**_whole(2_000, "How many lines, from the end."), "default": 100},
            },
            optional=("unit", "container", "lines"),
            reads=True,
        ),
        definition(
            "ssh_docker_restart",
            "Restart a container",
            "Run docker restart for one container.",
            {"host": HOST, "container": CONTAINER},
        ),
        definition(
            "ssh_docker_compose_restart",
            "Restart a compose project",
            "Run docker compose restart for a project, or for one service of it.",
            {"host": HOST, "project_dir": DIRECTORY, "service": SERVICE},
            optional=("service",),
        ),
        definition(
            "ssh_systemctl_restart",
            "Restart a unit",
            "Run systemctl restart for one service, socket or timer.",
            {"host": HOST, "unit": SERVICE_UNIT},
        ),
        definition(
            "ssh_clear_docker_logs",
            "Empty a container's log",
            "Cut the container's json-file log to nothing. What it held is lost.",
            {"host": HOST, "container": CONTAINER},
            idempotent=True,
        ),
        definition(
            "ssh_renew_ssl",
            "Renew a certificate",
            "Run certbot renew for one certificate; it acts only when the certificate is due.",
            {"host": HOST, "domain": DOMAIN},
            idempotent=True,
        ),
        definition(
            "ssh_reload_nginx",
            "Reload nginx",
            "Have nginx read its configuration again, without dropping connections.",
            {"host": HOST},
            idempotent=True,
        ),
        definition(
            "ssh_docker_prune",
            "Remove what docker no longer uses",
            "Delete dangling images, stopped containers or build cache older than some hours.",
            {
                "host": HOST,
                "what": {
                    "type": "string",
                    "enum": ["images", "containers", "builder"],
                    "description": "What to remove.",
                },
                "older_than_hours": _whole(8_760, "Only what is older than this."),
            },
            idempotent=True,
        ),
    ),
)
