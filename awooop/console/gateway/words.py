"""How the gateway is told to people: standings, outcomes, gates, levels, codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from awooop.console.wording import Badge
from awooop.errors import Code
from gateway import harm
from gateway.models import Level, Outcome, Standing, Status

GATES = {
    1: gettext_lazy("Project"),
    2: gettext_lazy("Agent"),
    3: gettext_lazy("Tool"),
    4: gettext_lazy("Scope and environment"),
    5: gettext_lazy("Approval"),
}
_STANDINGS = {
    Standing.QUARANTINED: (gettext_lazy("Quarantined"), "warn", "inventory_2"),
    Standing.RELEASED: (gettext_lazy("Released"), "good", "check"),
    Standing.SUSPENDED: (gettext_lazy("Suspended"), "bad", "pause_circle"),
    Standing.GONE: (gettext_lazy("Gone"), "quiet", "link_off"),
}
_STATUSES = {
    Status.SUCCESS: ("good", "check"),
    Status.ERROR: ("bad", "error"),
    Status.BLOCKED: ("warn", "block"),
    Status.SIMULATED: ("info", "science"),
    Status.UNKNOWN: ("bad", "help"),
}
_OUTCOMES = {
    Outcome.CLAIMED: ("info", "pending"),
    Outcome.EXECUTED: ("good", "check"),
    Outcome.ERROR: ("quiet", "error"),
    Outcome.UNKNOWN: ("bad", "help"),
}
_VERDICTS = {
    "read": (gettext_lazy("Reads"), "good", "visibility"),
    "write": (gettext_lazy("Writes"), "warn", "edit"),
    "admin": (gettext_lazy("Administers"), "warn", "admin_panel_settings"),
    "destructive": (gettext_lazy("Destructive"), "bad", "warning"),
}
_KINDS = {
    "zero_width": gettext_lazy("characters without width"),
    "bidi": gettext_lazy("characters that turn the reading direction"),
    "tag": gettext_lazy("invisible tag characters"),
    "variation": gettext_lazy("a run of variation selectors"),
    "ansi": gettext_lazy("control sequences of a terminal"),
    "private_use": gettext_lazy("characters without a meaning of their own"),
    "base64": gettext_lazy("a long block of encoded data"),
    "control": gettext_lazy("control characters"),
    "comment": gettext_lazy("a comment that no page shows"),
    "schema": gettext_lazy("a schema that cannot be used"),
    "instruction": gettext_lazy("words that give orders to a model"),
}


@dataclass(frozen=True, slots=True)
class Coded:
    """A code with its title in the reader's language, and the page that explains it."""

    code: str
    title: str
    href: str


def standing(value: str) -> Badge:
    """Return the badge of a tool's standing."""
    name, tone, icon = _STANDINGS[Standing(value)]
    return Badge(str(name), tone, icon)


def status(value: str) -> Badge:
    """Return the badge of how a call ended."""
    return Badge(capfirst(str(Status(value).label)), *_STATUSES[Status(value)])


def outcome(value: str) -> Badge:
    """Return the badge of an effect's outcome."""
    return Badge(capfirst(str(Outcome(value).label)), *_OUTCOMES[Outcome(value)])


def level(value: str) -> str:
    """Return what a switch of this level stops."""
    return capfirst(str(Level(value).label))


def gate(number: int | None) -> str:
    """Return a gate's number and name; nothing for none."""
    return f"{number} · {GATES[number]}" if number in GATES else ""


def verdict(
    tool_name: str, declared: Mapping[str, Any] | None, annotations: Mapping[str, Any] | None
) -> Badge | None:
    """Return the badge of what a tool does by its name, its contract and its server's hints.

    :param declared: the tool in its gateway contract; None where that does not name it.
    """
    if declared is None:
        return None
    notes = {**(annotations or {}), **(declared.get("annotations") or {})}
    kind = str(declared["scope"])
    told = {"is_destructive": declared["is_destructive"], "scope": "read", "annotations": notes}
    is_flagged = told["is_destructive"] is not False or bool(notes.get("destructiveHint"))
    if is_flagged or (kind == "read" and harm.why(tool_name, {}, told)):
        kind = "destructive"
    text, tone, icon = _VERDICTS[kind]
    return Badge(str(text), tone, icon)


def coded(value: str | None) -> Coded | None:
    """Return a code as people read it."""
    if not value:
        return None
    known = next((code for code in Code if code.value == value), None)
    href = reverse("error", args=[value]) if known else ""
    return Coded(value, _(known.title) if known else "", href)


def warning(kind: str) -> str:
    """Return what a warning of this kind is about."""
    return str(_KINDS.get(kind, kind))
