"""`kill_switch throw LEVEL [PROJECT [KEY]] | lift ID [PROJECT] | list [PROJECT]`: stop calls.

The platform's own switch has no project.
"""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from awooop.console import gateway_terminal, switch_terminal
from awooop.errors import AwoooPError
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import projects
from gateway.models import Level


class Command(BaseCommand):
    help = "Stop calls of tools at once: all, a project's, an agent's, a tool's; and let them go."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        throw = acts.add_parser("throw")
        throw.add_argument("level", choices=Level.values)
        throw.add_argument("project", nargs="?")
        throw.add_argument("key", nargs="?", default="", help="the agent, or the tool by its name")
        throw.add_argument("--reason", required=True, help="what people will read")
        lift = acts.add_parser("lift")
        lift.add_argument("id", type=UUID)
        lift.add_argument("project", nargs="?", help="unless it is the platform's")
        acts.add_parser("list").add_argument("project", nargs="?")
        for act in acts.choices.values():
            act.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *_: Any, act: str, project: str | None, **asked: Any) -> None:
        try:
            if project is not None:
                projects.check_id(project)
            told, text = self.done(act, project, asked)
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(gateway_terminal.spelled(told) if asked["json"] else text)

    def done(self, act: str, project: str | None, asked: Any) -> switch_terminal.Told:
        match act:
            case "throw":
                level = Level(asked["level"])
                return switch_terminal.throw(
                    level, project or PLATFORM, asked["key"], reason=asked["reason"]
                )
            case "lift":
                return switch_terminal.lift(project or PLATFORM, asked["id"])
        return switch_terminal.show(project)
