"""`gateway list | refresh | release | suspend PROJECT [GATEWAY [TOOL]]`: tools and their servers.

Exit codes: 0 all is well, 1 refused or a server cannot be listed, 3 something needs a look first.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from awooop.console import gateway_terminal as terminal
from awooop.errors import AwoooPError
from awooop.tenants import projects


class Command(BaseCommand):
    help = "List a project's tools, ask their servers anew, release a tool or suspend it."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for name in ("list", "refresh", "release", "suspend"):
            act = acts.add_parser(name)
            act.add_argument("project")
            act.add_argument("gateway", nargs=None if name in ("release", "suspend") else "?")
            if name != "refresh":
                act.add_argument("tool", nargs=None if name == "suspend" else "?")
            act.add_argument("--json", action="store_true", help="one JSON object on stdout")
        acts.choices["release"].add_argument("--pin", help="of the definition you looked at")
        acts.choices["release"].add_argument(
            "--all", action="store_true", help="every tool that waits and has no warning"
        )

    def handle(self, *_: Any, act: str, project: str, gateway: str | None, **asked: Any) -> None:
        tool = asked.get("tool")
        if act == "release" and bool(tool) == asked["all"]:
            raise CommandError("name one tool, or say --all")
        try:
            projects.check_id(project)
            told, text, code = self.done(act, project, gateway, tool, asked)
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(terminal.spelled(told) if asked["json"] else text)
        if code:
            raise SystemExit(code)

    def done(self, act: str, project: str, gateway: Any, tool: Any, asked: Any) -> terminal.Told:
        match act:
            case "refresh":
                return terminal.refresh(project, gateway)
            case "release":
                return terminal.release(
                    project, gateway, tool, pin=asked["pin"], every=asked["all"]
                )
            case "suspend":
                return terminal.suspend(project, gateway, tool)
        return terminal.show(project, gateway, tool)
