"""Everything on this machine: servers, migrations, demo tenants, web, worker, beat."""

import contextlib
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from awooop import embedded
from awooop.console import local


def port(text: str) -> int:
    """Read a TCP port."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise ArgumentTypeError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


class Command(BaseCommand):
    """Run everything until Ctrl-C."""

    help = (
        "Run everything on 127.0.0.1 until Ctrl-C; with --check, push one event through and stop."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port and whether to only check."""
        parser.add_argument("--port", type=port, default=8000)
        parser.add_argument("--check", action="store_true", help="one real event, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        try:
            local.up(port=options["port"], check=options["check"], say=self.say)
        except (local.Failed, embedded.EmbeddedError) as reason:
            self.stderr.write(f"awooop: {reason}")
            sys.exit(1)

    def say(self, line: str) -> None:
        """Print a line now, whoever reads it."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        with contextlib.suppress(OSError):  # nobody listens any more: no reason to end
            self.stdout.write(line.encode(encoding, "replace").decode(encoding))
            self.stdout.flush()
