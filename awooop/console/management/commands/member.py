"""`member PROJECT USERNAME ROLE`: give a person a role in a project, or take it away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from awooop.console import shell
from awooop.errors import AwoooPError
from awooop.kit.db import tenant_tx
from awooop.tenants import members, projects
from awooop.tenants.models import Role


class Command(BaseCommand):
    help = "Give a person a role in a project; 'none' takes it away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("username")
        parser.add_argument("role", choices=[*Role.values, "none"])

    def handle(self, *_: Any, project: str, username: str, role: str, **__: Any) -> None:
        try:
            with tenant_tx(project):
                projects.get(project)
                if role == "none":
                    members.dismiss(project, username, actor=shell.actor())
                else:
                    members.admit(
                        project, username, Role(role), actor=shell.actor(), at=timezone.now()
                    )
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(f"{username} in {project}: {role}")
