"""`onboard_tenant PROJECT`: a project, its contracts, read-only tools and first API key."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from awooop.console import onboarding, shell
from awooop.errors import AwoooPError
from awooop.tenants.modes import Mode


class Command(BaseCommand):
    help = "Bring a tenant on: project, contracts, read-only tools, API key (shown once)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="2 to 64 of a-z 0-9 _ -")
        parser.add_argument("--name", default="", help="how people call it")
        parser.add_argument("--mode", default=Mode.SHADOW.value, choices=Mode.values)
        parser.add_argument("--budget", type=shell.usd, help="USD it may spend a month")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *_: Any, project: str, name: str, mode: str, **options: Any) -> None:
        try:
            made = onboarding.onboard(
                project,
                display_name=name or project,
                mode=Mode(mode),
                actor=shell.actor(),
                at=timezone.now(),
                ceiling=options["budget"],
            )
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        told = {
            "project_id": made.project.project_id,
            "migration_mode": made.project.migration_mode,
            "agent_id": made.agent_id,
            "tools": list(made.tools),
            "api_key": made.api_key,
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(f"Project {project} is on, in mode {mode}.")
        self.stdout.write(f"Agent:   {made.agent_id} with {', '.join(made.tools)}")
        self.stdout.write(f"API key: {made.api_key}  (shown once; keep it safe)")
