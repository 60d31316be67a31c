"""`set_mode PROJECT MODE`: promote a tenant by one step, or demote it by any."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from approvals import agreement
from awooop.console import shell
from awooop.errors import AwoooPError
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import projects
from awooop.tenants.modes import Mode


class Command(BaseCommand):
    help = "Move a tenant one mode up, or any number down."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("mode", choices=Mode.values)
        parser.add_argument(
            "--dry-run", action="store_true", help="change nothing; show how often people agreed"
        )

    def handle(self, *_: Any, project: str, mode: str, dry_run: bool, **__: Any) -> None:
        try:
            projects.check_id(project)
            with tenant_tx(project):
                if dry_run:
                    was, now = projects.would_set(project, Mode(mode))
                else:
                    was, now = projects.set_mode(project, Mode(mode), actor=shell.actor())
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        told = " (nothing was changed)" if dry_run else ""
        self.stdout.write(f"{project}: {was.value} -> {now.value}{told}")
        if dry_run:
            self._show_agreement(project)

    def _show_agreement(self, project: str) -> None:
        with pipe() as p, p.tenant_tx(project):
            found = agreement.of(p, {project}, at=timezone.now())
        for each in found:
            share = "nothing decided" if each.share is None else f"{int(each.share * 100)} % agreed"
            self.stdout.write(
                f"{each.agent_id} {each.tool_name}: {share}; asked {each.asked}, edited"
                f" {each.edited}, rejected {each.rejected}, expired {each.expired}"
            )
