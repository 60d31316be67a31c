"""`bench [NAME]`: the project's own measurements, as ratios against the database's limit."""

import json
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from awooop.console.bench import bench, report, scratch
from awooop.console.bench.sizes import Sizes


class Command(BaseCommand):
    """Measure, and print what was found beside its anchors."""

    help = "Measure AwoooP beside the limits of this machine, in a scratch database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to measure and how thoroughly."""
        usual = Sizes()
        parser.add_argument("name", nargs="?", default="", help=", ".join(bench.NAMES))
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        parser.add_argument("--seconds", type=float, default=usual.seconds, help="a measurement")
        parser.add_argument("--rows", type=int, default=usual.rows, help="runs in the lists")

    def handle(self, *_: Any, name: str, seconds: float, rows: int, **options: Any) -> None:
        """Measure it."""
        if name and name not in bench.NAMES:
            raise CommandError(f"there is no bench {name!r}; there are {', '.join(bench.NAMES)}")
        if seconds <= 0 or rows < 1:
            raise CommandError("--seconds and --rows must be more than nothing")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        try:
            found = bench.perform([name] if name else bench.NAMES, seconds=seconds, rows=rows)
        except (bench.Failed, scratch.Unfit) as reason:
            raise CommandError(str(reason)) from None
        except KeyboardInterrupt:
            raise CommandError("interrupted; the scratch database is gone") from None
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for each, told in found.items():
            self.stdout.write(report.table(each, told))
