"""Things of a shelf as the console shows them: the cells of a line, and all that is known."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.operations.models import Kind
from awooop.console.approvals import words as approval_words
from awooop.console.gateway import spelled
from awooop.console.gateway import words as gateway_words
from awooop.console.gateway.reading import Row
from awooop.console.gateway.spelled import Part
from awooop.console.operations import words
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Moment
from awooop.kit.redaction import redact


@dataclass(frozen=True, slots=True)
class Cell:
    """One fact, under its name."""

    label: str
    text: str = ""
    badge: Badge | None = None
    at: Moment | None = None
    href: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A longer text under a heading."""

    heading: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Line:
    """A thing in a list."""

    name: str
    href: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is known of a thing."""

    name: str
    badges: list[Badge]
    cells: list[Cell]
    bodies: list[Body]


def line(kind: str, row: Row, now: datetime) -> Line:
    """Return a thing as its list shows it."""
    return _LINES[kind](row, now)


def sheet(kind: str, row: Row, now: datetime) -> Sheet:
    """Return a thing as its own page shows it."""
    return _SHEETS[kind](row, now)


def href(kind: str, project_id: str, identity: Any) -> str:
    """Return the address of a thing's page; nothing for none."""
    return reverse(f"admin:{kind}-one", args=[project_id, identity]) if identity else ""


def _at(label: str, at: datetime | None, now: datetime) -> Cell:
    return Cell(label, at=Moment.of(at, now)) if at else Cell(label)


def _incident(row: Row, now: datetime) -> Line:
    return Line(
        spelled.plain(row["title"]),
        href("incidents", row["project_id"], row["incident_id"]),
        [
            Cell(_("Status"), badge=words.status(row["status"])),
            Cell(_("Severity"), badge=words.severity(row["severity"])),
            Cell(_("Category"), spelled.plain(row["category"])),
            Cell(_("Project"), row["project_id"]),
            _at(_("Opened"), row["opened_at"], now),
            _at(_("Resolved"), row["resolved_at"], now),
        ],
    )


def _incident_sheet(row: Row, now: datetime) -> Sheet:
    return Sheet(
        spelled.plain(row["title"]),
        [words.status(row["status"]), words.severity(row["severity"])],
        [
            *_incident(row, now).cells[2:],
            Cell(_("Source"), spelled.plain(row["source"])),
            Cell(_("Its name there"), spelled.plain(row["source_ref"] or "")),
            Cell(_("Resolved by"), spelled.plain(row["resolved_by"] or "")),
            Cell(
                _("Resolved after"),
                str(row["resolution_id"] or ""),
                href=href("operations", row["project_id"], row["resolution_id"]),
                is_long=True,
            ),
            Cell(_("Incident id"), str(row["incident_id"]), is_long=True),
        ],
        [],
    )


def _operation(row: Row, now: datetime) -> Line:
    return Line(
        spelled.plain(row["action"])[:200],
        href("operations", row["project_id"], row["operation_id"]),
        [
            Cell(_("Outcome"), badge=words.outcome(row["outcome"])),
            Cell(_("Verified"), badge=words.verdict(row["verdict"])),
            Cell(_("Agent"), spelled.plain(row["agent_id"])),
            Cell(_("Project"), row["project_id"]),
            Cell(_("Attempts"), str(row["attempts"])),
            Cell(_("Duration"), _lasted(row["duration_ms"])),
            _at(_("Created"), row["created_at"], now),
        ],
    )


def _operation_sheet(row: Row, now: datetime) -> Sheet:
    project_id = row["project_id"]
    badges = [words.outcome(row["outcome"]), words.verdict(row["verdict"])]
    if row["risk"]:
        badges.append(approval_words.risk(row["risk"]))
    if row["is_auto_approved"]:
        badges.append(Badge(_("Approved by policy"), "ghost", "smart_toy"))
    if row["kind"] == Kind.OBSERVE:
        badges.append(Badge(_("Touches nothing"), "quiet", "visibility"))
    code = gateway_words.coded(row["error_code"])
    run_href = reverse("admin:run", args=[row["run_id"]]) if row["run_id"] else ""
    asked = [project_id, row["approval_id"]]
    asked_href = reverse("admin:approval", args=asked) if row["approval_id"] else ""
    return Sheet(
        spelled.plain(row["action"])[:300],
        badges,
        [
            *_operation(row, now).cells[2:],
            Cell(_("Stage"), words.stage(row["stage"])),
            Cell(_("Asked by"), spelled.plain(row["requested_by"])),
            Cell(_("Tool"), spelled.plain(row["tool_name"])),
            Cell(_("Environment"), row["environment"]),
            Cell(_("Effectiveness"), _of_five(row["effectiveness"])),
            _at(_("Opened"), row["opened_at"], now),
            _at(_("Closed"), row["closed_at"], now),
            Cell(_("Code"), f"{code.code} {code.title}" if code else "", href=_page(code)),
            Cell(_("Seen afterwards"), spelled.plain(row["verdict_note"]), is_long=True),
            Cell(_("Undoing it"), spelled.plain(row["rollback_note"]), is_long=True),
            _link(_("Request"), row["approval_id"], asked_href),
            _link(_("Run"), row["run_id"], run_href),
            _kin(_("Incident"), "incidents", project_id, row["incident_id"]),
            _kin(_("Playbook"), "playbooks", project_id, row["playbook_id"]),
            _kin(_("Undoes"), "operations", project_id, row["rollback_of"]),
            Cell(_("Operation id"), str(row["operation_id"]), is_long=True),
        ],
        _bodies(
            (_("Description"), row["description"]),
            (_("Arguments"), row["arguments"]),
            (_("How its resource was found"), row["resolution"]),
            (_("Error"), row["error"]),
            (_("What the tool wrote where errors go"), row["stderr"]),
        ),
    )


def _playbook(row: Row, now: datetime) -> Line:
    return Line(
        spelled.plain(row["name"]),
        href("playbooks", row["project_id"], row["playbook_id"]),
        [
            Cell(_("Standing"), badge=words.standing(row["standing"])),
            Cell(_("Category"), spelled.plain(row["category"])),
            Cell(_("Trust"), words.trust(row["successes"], row["uses"])),
            Cell(_("Effectiveness"), _of_five(row["effectiveness"])),
            Cell(_("Project"), row["project_id"]),
            _at(_("Last used"), row["used_at"], now),
        ],
    )


def _playbook_sheet(row: Row, now: datetime) -> Sheet:
    return Sheet(
        spelled.plain(row["name"]),
        [words.standing(row["standing"])],
        [
            *_playbook(row, now).cells[1:],
            _at(_("Created"), row["created_at"], now),
            Cell(_("Playbook id"), str(row["playbook_id"]), is_long=True),
        ],
        _bodies((_("Action"), row["action"])),
    )


def _entry(row: Row, now: datetime) -> Line:
    return Line(
        spelled.plain(row["title"]),
        href("knowledge", row["project_id"], row["entry_id"]),
        [
            Cell(_("Did it work?"), badge=words.worked(row["did_not_work"])),
            Cell(_("Category"), spelled.plain(row["category"])),
            Cell(_("Tags"), spelled.plain(", ".join(row["tags"]))),
            Cell(_("Project"), row["project_id"]),
            _at(_("Created"), row["created_at"], now),
        ],
    )


def _entry_sheet(row: Row, now: datetime) -> Sheet:
    project_id = row["project_id"]
    return Sheet(
        spelled.plain(row["title"]),
        [words.worked(row["did_not_work"])],
        [
            *_entry(row, now).cells[1:],
            _kin(_("Operation"), "operations", project_id, row["operation_id"]),
            _kin(_("Incident"), "incidents", project_id, row["incident_id"]),
            Cell(_("Entry id"), str(row["entry_id"]), is_long=True),
        ],
        _bodies((_("What was learned"), row["body"])),
    )


def _bodies(*told: tuple[str, Any]) -> list[Body]:
    return [Body(heading, _parts(value)) for heading, value in told if value]


def _parts(value: Any) -> list[Part]:
    return spelled.parts(value if isinstance(value, str) else spelled.pretty(redact(value)))


def _kin(label: str, kind: str, project_id: str, identity: Any) -> Cell:
    return _link(label, identity, href(kind, project_id, identity))


def _link(label: str, identity: Any, where: str) -> Cell:
    return Cell(label, str(identity or ""), href=where, is_long=True)


def _lasted(milliseconds: int | None) -> str:
    return "" if milliseconds is None else admin.duration(milliseconds / 1000)


def _of_five(value: int | None) -> str:
    return "" if value is None else _("%(n)d of 5") % {"n": value}


def _page(code: gateway_words.Coded | None) -> str:
    return code.href if code else ""


_LINES: dict[str, Callable[[Row, datetime], Line]] = {
    "incidents": _incident,
    "operations": _operation,
    "playbooks": _playbook,
    "knowledge": _entry,
}
_SHEETS: dict[str, Callable[[Row, datetime], Sheet]] = {
    "incidents": _incident_sheet,
    "operations": _operation_sheet,
    "playbooks": _playbook_sheet,
    "knowledge": _entry_sheet,
}
