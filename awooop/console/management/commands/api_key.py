"""`api_key PROJECT list | issue | rotate ID | revoke ID`: a project's keys."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from awooop.console import shell
from awooop.errors import AwoooPError
from awooop.kit.db import tenant_tx
from awooop.tenants import keys, projects
from awooop.tenants.models import ApiKey, KeyScope
from gateway import switches

MOST_LISTED = 200


class Command(BaseCommand):
    help = "List, issue, rotate or revoke a project's API keys. A new key is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list")
        issue = acts.add_parser("issue")
        issue.add_argument("--name", default="key")
        issue.add_argument("--agent", default="", help="only for this agent")
        issue.add_argument("--scope", action="append", choices=KeyScope.values)
        rotate = acts.add_parser("rotate")
        rotate.add_argument("id", type=UUID)
        rotate.add_argument("--hours", type=float, default=24, help="the old key lives on")
        acts.add_parser("revoke").add_argument("id", type=UUID)

    def handle(self, *_: Any, project: str, act: str, **asked: Any) -> None:
        try:
            projects.check_id(project)
            with tenant_tx(project):
                projects.get(project)
                told = getattr(self, act)(project, **asked)
            if act == "revoke":
                switches.settle()
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        self.stdout.write(told)

    def list(self, project: str, **_: Any) -> str:
        living = ApiKey.objects.filter(revoked_at=None).order_by("-created_at")[:MOST_LISTED]
        rows = [
            f"{key.id}  {key.name}  scopes {','.join(key.scopes)}"
            + (f"  until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else "")
            for key in living
        ]
        return "\n".join(rows) or f"{project} has no living key"

    def issue(self, project: str, *, name: str, agent: str, scope: Any, **_: Any) -> str:
        key, secret = keys.issue(
            project,
            name=name,
            actor=shell.actor(),
            at=timezone.now(),
            scopes=scope or KeyScope.values,
            agent_id=agent,
        )
        return f"{key.id}\nAPI key: {secret}  (shown once; keep it safe)"

    def rotate(self, project: str, *, id: UUID, hours: float, **_: Any) -> str:
        now = timezone.now()
        key, secret = keys.rotate(
            id, actor=shell.actor(), at=now, old_ends_at=now + timedelta(hours=hours)
        )
        return f"{key.id}\nAPI key: {secret}  (shown once; the old one ends in {hours:g} h)"

    def revoke(self, project: str, *, id: UUID, **_: Any) -> str:
        keys.revoke(id, actor=shell.actor(), at=timezone.now())
        return f"{id} is revoked"
