"""How states, steps and the lines of a timeline are told to people, in their language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from approvals.models import Standing
from awooop.console.timeline import Item
from awooop.errors import Code
from runs.fsm import State
from runs.models import StepStatus, Trigger


@dataclass(frozen=True, slots=True)
class Badge:
    """A word in a colour, with a sign for those who do not see the colour."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong with a run, and what to do."""

    code: str
    title: str
    hint: str
    detail: str


_STATES = {
    State.PENDING: ("quiet", "schedule"),
    State.RUNNING: ("info", "play_arrow"),
    State.WAITING_APPROVAL: ("warn", "front_hand"),
    State.WAITING_TOOL: ("warn", "hourglass_top"),
    State.COMPLETED: ("good", "check"),
    State.FAILED: ("bad", "error"),
    State.CANCELLED: ("quiet", "cancel"),
    State.TIMEOUT: ("bad", "timer_off"),
}
_STEPS = {
    StepStatus.INTENT: ("info", "pending"),
    StepStatus.SIMULATED: ("info", "science"),
    StepStatus.BLOCKED: ("warn", "block"),
    StepStatus.SUCCESS: ("good", "check"),
    StepStatus.ERROR: ("bad", "error"),
    StepStatus.UNKNOWN: ("bad", "help"),
}
_DELIVERIES = {
    "received": (gettext_lazy("Received"), "good", "check"),
    "duplicate": (gettext_lazy("Repeated"), "quiet", "content_copy"),
}
_VOTES = {
    "yes": (gettext_lazy("Yes"), "good", "check"),
    "no": (gettext_lazy("No"), "bad", "block"),
}
_STANDINGS = {
    Standing.PENDING: ("warn", "front_hand"),
    Standing.APPROVED: ("good", "check"),
    Standing.REJECTED: ("bad", "block"),
    Standing.EXPIRED: ("quiet", "timer_off"),
    Standing.WITHDRAWN: ("quiet", "undo"),
}
_KINDS = {
    "run": (gettext_lazy("Run"), "sync_alt"),
    "inbound": (gettext_lazy("Inbound"), "notifications"),
    "step": (gettext_lazy("Step"), "build"),
    "approval": (gettext_lazy("Approval"), "how_to_reg"),
    "mcp": (gettext_lazy("Tool call"), "hub"),
    "outbound": (gettext_lazy("Outbound"), "send"),
}
_FACTS = {
    "provider_event_id": gettext_lazy("event id"),
    "repeats": gettext_lazy("repeats"),
    "trace_id": gettext_lazy("trace id"),
    "trigger_ref": gettext_lazy("trigger reference"),
    "actor": gettext_lazy("actor"),
    "version": gettext_lazy("version"),
    "lease_epoch": gettext_lazy("lease"),
    "was_blocked": gettext_lazy("blocked"),
    "latency_ms": gettext_lazy("latency (ms)"),
    "mcp_gateway_id": gettext_lazy("gateway"),
    "call_id": gettext_lazy("call id"),
    "environment": gettext_lazy("environment"),
    "gate": gettext_lazy("gate"),
    "approval_id": gettext_lazy("request id"),
    "risk": gettext_lazy("risk"),
    "signatures_needed": gettext_lazy("signatures needed"),
    "requested_by": gettext_lazy("asked by"),
    "expires_at": gettext_lazy("expires"),
    "disposition": gettext_lazy("outcome"),
    "code": gettext_lazy("code"),
}
# What the journal itself says; a reason a person wrote stays as it was written.
_REASONS = {
    "claimed": gettext_noop("Claimed by a worker"),
    "its worker was lost": gettext_noop("Its worker was lost"),
    "its last worker was lost": gettext_noop("Its last worker was lost"),
    "its time ran out": gettext_noop("Its time ran out"),
    "cancelled on request": gettext_noop("Cancelled on request"),
    "shadow_mode_destructive_blocked": gettext_noop(
        "It would change something: shadow mode stopped it. Nothing was executed."
    ),
}


def state(value: str) -> Badge:
    """Return the badge of a run's state."""
    return Badge(capfirst(str(State(value).label)), *_STATES[State(value)])


def step(value: str) -> Badge:
    """Return the badge of a step's outcome."""
    return Badge(capfirst(str(StepStatus(value).label)), *_STEPS[StepStatus(value)])


def shadow(is_shadow: bool) -> Badge:
    """Return the badge that says whether a run can do anything."""
    if is_shadow:
        return Badge(_("Shadow"), "ghost", "visibility")
    return Badge(_("Live"), "live", "bolt")


def trigger(value: str) -> str:
    """Return what set a run off."""
    return capfirst(str(Trigger(value).label))


def standing(value: str) -> Badge:
    """Return the badge of where a request for a human's yes stands."""
    return Badge(capfirst(str(Standing(value).label)), *_STANDINGS[Standing(value)])


def fault(run: Mapping[str, Any]) -> Fault | None:
    """Return what went wrong with a run, or None."""
    written = run["error_code"]
    if not written:
        return None
    detail = run["error_detail"] or ""
    code = next((code for code in Code if code.value == written), None)
    if code is None:
        return Fault(written, _("The run went wrong"), "", detail)
    return Fault(written, _(code.title), _(code.hint), detail)


def status(item: Item) -> Badge:
    """Return the badge of a timeline line."""
    if item.kind == "run" and item.status in State:
        return state(item.status)
    if item.status in StepStatus:
        return step(item.status)
    if item.kind == "approval" and item.status in Standing:
        return standing(item.status)
    if found := {**_DELIVERIES, **_VOTES}.get(item.status):
        text, tone, icon = found
        return Badge(str(text), tone, icon)
    return Badge(item.status, "quiet", "info")


def kind(item: Item) -> tuple[str, str]:
    """Return the name of a line's kind and its icon."""
    name, icon = _KINDS.get(item.kind, (item.kind, "info"))
    return str(name), icon


def title(item: Item) -> str:
    """Return the heading of a timeline line."""
    was, arrow, now = item.title.partition(" → ")
    if item.kind == "run" and arrow and was in State and now in State:
        return f"{capfirst(State(was).label)} → {State(now).label}"
    if item.kind == "approval" and item.title.startswith("Approval asked for: "):
        tool = item.title.removeprefix("Approval asked for: ")
        return _("Approval asked for: %(tool)s") % {"tool": tool}
    if item.kind == "approval" and item.title.startswith("Vote of "):
        return _("Vote of %(who)s") % {"who": item.title.removeprefix("Vote of ")}
    if item.kind in ("step", "approval"):
        number, _colon, tool = item.title.removeprefix("Step ").partition(": ")
        return _("Step %(number)s: %(tool)s") % {"number": number, "tool": tool}
    if item.kind == "inbound" and item.title.endswith(" event"):
        return _("Event from %(channel)s") % {"channel": item.title.removesuffix(" event")}
    if item.kind == "mcp":
        return _("Tool call: %(tool)s") % {"tool": item.title.removeprefix("Tool call: ")}
    fixed = {"Run created": _("Run created"), "Delivered again": _("Delivered again")}
    return fixed.get(item.title, item.title)


def summary(item: Item, run: Mapping[str, Any]) -> str:
    """Return the sentence under the heading of a timeline line."""
    text = item.summary or ""
    if text in _REASONS:
        return _(_REASONS[text])
    if any(text == code.title for code in Code):
        return _(text)
    if item.kind == "run" and item.title == "Run created":
        return _("%(trigger)s, for the agent %(agent)s") % {
            "trigger": trigger(run["trigger_type"]),
            "agent": run["agent_id"],
        }
    if repeats := item.metadata.get("repeats"):
        return ngettext(
            "%(n)d repeated delivery, no new run",
            "%(n)d repeated deliveries, no new run",
            repeats,
        ) % {"n": repeats}
    return _walked(text) if item.kind == "run" else text


def facts(item: Item) -> list[tuple[str, str]]:
    """Return the metadata of a timeline line as pairs; what is not known is left out."""
    yes_no = {True: _("yes"), False: _("no")}
    return [
        (str(_FACTS.get(name, name)), yes_no[value] if isinstance(value, bool) else str(value))
        for name, value in item.metadata.items()
        if value not in (None, "")
    ]


def _walked(text: str) -> str:
    """Translate ``shadow walk: 4 simulated, 2 blocked``; leave anything else alone."""
    words = text.replace(",", "").split()
    if words[:2] != ["shadow", "walk:"] or len(words) != 6:
        return text
    return _("Shadow walk: %(simulated)s simulated, %(blocked)s blocked") % {
        "simulated": words[2],
        "blocked": words[4],
    }
