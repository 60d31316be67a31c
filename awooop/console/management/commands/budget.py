"""`budget PROJECT [show | set … | clear … | zone ZONE | ceiling USD]`: a project's money."""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from awooop.console import shell
from awooop.console.budgets import terminal
from awooop.errors import AwoooPError
from awooop.ledger.models import Level, Period
from awooop.tenants import projects

ACTS: dict[str, Callable[..., terminal.Told]] = {
    "show": terminal.show,
    "set": terminal.set_limit,
    "clear": terminal.clear_limit,
    "zone": terminal.set_zone,
    "ceiling": terminal.set_ceiling,
}
OPTIONS = ("scope", "period", "agent", "usd", "tokens", "zone")


class Command(BaseCommand):
    help = "Show a project's budget; set or clear a limit, its time zone, its monthly ceiling."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        acts = parser.add_subparsers(dest="act")
        acts.add_parser("show")
        for name in ("set", "clear"):
            act = acts.add_parser(name)
            act.add_argument("--scope", choices=Level.values, default=Level.PROJECT.value)
            act.add_argument("--period", choices=Period.values, default=Period.MONTH.value)
            act.add_argument("--agent", default="", help="only this one; else each by itself")
        acts.choices["set"].add_argument("--usd", type=shell.usd)
        acts.choices["set"].add_argument("--tokens", type=int)
        acts.add_parser("zone").add_argument("zone", help="such as Asia/Taipei")
        acts.add_parser("ceiling").add_argument("usd", type=shell.usd_or_none, help="or none")

    def handle(self, *_: Any, project: str, act: str | None, **asked: Any) -> None:
        given = {name: asked[name] for name in OPTIONS if name in asked}
        try:
            projects.check_id(project)
            told, text = ACTS[act or "show"](project, **given)
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(json.dumps(told, default=str) if asked["json"] else text)
