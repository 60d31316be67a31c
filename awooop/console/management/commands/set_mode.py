"""`set_mode PROJECT MODE`: promote a tenant by one step, or demote it by any."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from awooop.console import shell
from awooop.errors import AwoooPError
from awooop.kit.db import tenant_tx
from awooop.tenants import projects
from awooop.tenants.modes import Mode


class Command(BaseCommand):
    help = "Move a tenant one mode up, or any number down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("mode", choices=Mode.values)

    def handle(self, *_: Any, project: str, mode: str, **__: Any) -> None:
        try:
            projects.check_id(project)
            with tenant_tx(project):
                was, now = projects.set_mode(project, Mode(mode), actor=shell.actor())
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(f"{project}: {was.value} -> {now.value}")
