"""`handbook [--check]`: write the generated pages of docs/, or say what is stale."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from awooop.console import handbook


class Command(BaseCommand):
    """Write the pages, or compare them."""

    help = "Write docs/errors.md, docs/run-lifecycle.md and docs/contracts.md from the code."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to only compare."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a diff")

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        """Write or compare."""
        if check:
            if difference := handbook.stale():
                self.stdout.write(difference)
                self.stderr.write("The handbook is stale: run manage.py handbook.")
                sys.exit(1)
            return
        for path in handbook.write():
            self.stdout.write(f"wrote {path}")
