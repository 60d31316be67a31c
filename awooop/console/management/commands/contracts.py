"""`contracts validate | diff | apply DIR`, `contracts export PROJECT DIR`: contracts as files.

Exit codes: 0 all is well, 1 there are differences, 2 something is wrong, 3 signatures are awaited.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from awooop.console import gitops, shell
from awooop.errors import AwoooPError

DIFFERENT, WRONG, WAITING = 1, 2, 3


class Command(BaseCommand):
    help = "Validate, compare, apply or export a folder of contracts: FAMILY/CONTRACT_ID.yaml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for name in ("validate", "diff", "apply"):
            act = acts.add_parser(name)
            act.add_argument("folder", type=Path)
            act.add_argument("--project", help="unless a contract under project/ names it")
        export = acts.add_parser("export")
        export.add_argument("project")
        export.add_argument("folder", type=Path)

    def handle(self, *_: Any, act: str, folder: Path, project: str | None, **__: Any) -> None:
        try:
            code = getattr(self, act)(folder, project)
        except AwoooPError as refusal:
            told = refusal.facts.get("faults") or [
                f"{each['field']}: {each['message']}"
                for each in refusal.facts.get("errors", [])  # type: ignore[attr-defined]
            ]
            for line in told:  # type: ignore[attr-defined]
                self.stderr.write(line)
            raise CommandError(f"{refusal} {refusal.code.hint}", returncode=WRONG) from None
        except OSError as refusal:
            raise CommandError(str(refusal), returncode=WRONG) from None
        if code:
            raise SystemExit(code)

    def validate(self, folder: Path, _project: str | None) -> int:
        self.stdout.write(f"{len(gitops.documents(folder))} contracts, all valid")
        return 0

    def diff(self, folder: Path, project: str | None) -> int:
        found = gitops.documents(folder)
        count = 0
        for each in gitops.differences(gitops.project_of(found, project), found):
            count += 1
            document = each.document
            self.stdout.write(f"{document.family.value} {document.contract_id}")
            if each.is_new:
                self.stdout.write("  new")
                continue
            for change in each.changes:
                self.stdout.write(f"  {'!' if change.is_breaking else ' '} {change.words}")
        if not count:
            self.stdout.write("no difference")
        return DIFFERENT if count else 0

    def apply(self, folder: Path, project: str | None) -> int:
        found = gitops.documents(folder)
        made = gitops.apply(
            gitops.project_of(found, project), found, actor=shell.actor(), at=timezone.now()
        )
        for each in made.revisions:
            state = each.lifecycle_status
            self.stdout.write(f"{each.contract_family} {each.contract_id} {each.version}: {state}")
        if made.api_key:
            self.stdout.write(f"API key: {made.api_key}  (shown once; keep it safe)")
        if made.waiting:
            self.stdout.write(f"{len(made.waiting)} wait for signatures")
        return WAITING if made.waiting else 0

    def export(self, folder: Path, project: str | None) -> int:
        count = gitops.export(project or "", folder)
        self.stdout.write(f"{folder}: {count} contracts")
        return 0
