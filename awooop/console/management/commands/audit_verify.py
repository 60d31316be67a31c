"""`audit_verify [--project P]`: the chain holds, or the first bad row is named."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from awooop.audit import offline
from awooop.audit.verify import Report
from awooop.console import evidence
from awooop.errors import AwoooPError


class Command(BaseCommand):
    help = "Verify the audit chains, or an export without the database. Exit 1 on the first fault."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", help="only this one; '*' is the platform's own chain")
        parser.add_argument("--file", type=Path, help="an export; the database is not asked")
        parser.add_argument("--key", action="append", default=[], help="a public key to believe")
        parser.add_argument(
            "--anchor", type=Path, help="checkpoints kept elsewhere: a log, or an older export"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a chain")

    def handle(self, *_: Any, **asked: Any) -> None:
        broken = 0
        try:
            for report in self._reports(**asked):
                broken += report.fault is not None
                self.stdout.write(_json(report) if asked["json"] else _line(report))
        except (AwoooPError, OSError) as refusal:
            raise CommandError(_told(refusal)) from None
        if broken:
            raise SystemExit(1)

    def _reports(self, *, project: str, file: Path, key: list[str], anchor: Path, **_: Any) -> Any:
        if file is not None:
            return [offline.verify(file, keys=key, anchors=offline.anchors(anchor, keys=key))]
        return evidence.verified(project, anchors=offline.anchors(anchor, keys=key), keys=key)


def _line(report: Report) -> str:
    if report.fault is not None:
        return f"BROKEN  {report.fault}"
    beyond = report.last.seq - report.sealed
    tail = f", {beyond} not sealed yet" if beyond else ""
    return (
        f"ok      {report.project_id}: {report.rows} rows, {report.checkpoints} checkpoints{tail}"
    )


def _json(report: Report) -> str:
    fault = report.fault
    return json.dumps(
        {
            "project_id": report.project_id,
            "ok": fault is None,
            "rows": report.rows,
            "checkpoints": report.checkpoints,
            "sealed": report.sealed,
            "hash": report.last.hash,
            "fault": fault and {"seq": fault.seq, "kind": fault.kind.name, "detail": str(fault)},
        }
    )


def _told(refusal: Exception) -> str:
    hint = f" {refusal.code.hint}" if isinstance(refusal, AwoooPError) else ""
    return f"{refusal}{hint}"
