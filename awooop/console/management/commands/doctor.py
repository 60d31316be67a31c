"""`doctor [--isolation] [--json]`: what ails this installation, and how to mend it."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from awooop.console import doctor


class Command(BaseCommand):
    """Ask, print, and exit 1 on any finding."""

    help = "Check settings, roles, schema, queue and clocks; exit 1 on any finding."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--isolation", action="store_true", help="also attack the walls between tenants"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *_: Any, **options: Any) -> None:
        report = doctor.examine(attack=options["isolation"])
        if options["json"]:
            self.stdout.write(json.dumps(report.told()))
        else:
            self.stdout.write("\n".join(report.lines()))
        if not report.ok:
            sys.exit(1)
