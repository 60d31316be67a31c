"""`audit_export PROJECT FILE`: a chain as JSON lines, going on where an earlier export stopped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from awooop.audit import export, sealing, store
from awooop.errors import AwoooPError


class Command(BaseCommand):
    help = "Write a project's audit chain ('*' for the platform's own) to a file of JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project")
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, project: str, file: Path, **__: Any) -> None:
        now = timezone.now()
        try:
            if store.head(project) is not None:
                sealing.seal(project, at=now)
            made = export.write(project, file, at=now)
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        except OSError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{file}: {made.rows} rows added, {made.last} in all")
