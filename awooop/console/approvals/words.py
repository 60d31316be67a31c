"""How requests for a human's yes are told to people: risks, standings, outcomes, time left."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import capfirst
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.models import Disposition, Risk
from awooop.console.gateway import spelled
from awooop.console.wording import Badge
from awooop.kit import admin

_RISKS = {
    Risk.LOW: (gettext_lazy("Low risk"), "quiet", "shield"),
    Risk.MEDIUM: (gettext_lazy("Medium risk"), "info", "shield"),
    Risk.HIGH: (gettext_lazy("High risk"), "warn", "warning"),
    Risk.CRITICAL: (gettext_lazy("Critical risk"), "bad", "emergency_home"),
}
_DISPOSITIONS = {
    Disposition.WAITING: ("info", "pending"),
    Disposition.EXECUTED: ("good", "check"),
    Disposition.DENIED: ("quiet", "block"),
    Disposition.FAILED: ("bad", "error"),
    Disposition.UNKNOWN: ("bad", "help"),
}
_BLAST = {
    "scope": gettext_lazy("Kind of access"),
    "why": gettext_lazy("Counted as destructive because of"),
    "affected_pods": gettext_lazy("Affected pods"),
    "estimated_downtime": gettext_lazy("Estimated downtime"),
    "related_services": gettext_lazy("Related services"),
    "data_impact": gettext_lazy("Impact on data"),
}
_SCOPES = {
    "read": gettext_lazy("Reads"),
    "write": gettext_lazy("Writes"),
    "admin": gettext_lazy("Administers"),
}
_SOON = timedelta(minutes=10)


def risk(value: str) -> Badge:
    """Return the badge of a request's risk."""
    text, tone, icon = _RISKS[Risk(value)]
    return Badge(str(text), tone, icon)


def disposition(value: str) -> Badge:
    """Return the badge of what became of an action."""
    return Badge(capfirst(str(Disposition(value).label)), *_DISPOSITIONS[Disposition(value)])


def left(expires_at: datetime, now: datetime) -> str:
    """Return how much time is left to decide; nothing when it is over."""
    if expires_at <= now:
        return ""
    if expires_at - now < timedelta(minutes=1):
        return admin.duration(int((expires_at - now).total_seconds()) or 1)
    return timeuntil(expires_at, now, depth=1)


def is_soon(expires_at: datetime, now: datetime) -> bool:
    """Tell whether somebody should hurry."""
    return expires_at - now < _SOON


def blast(radius: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what an action may reach as pairs; what is not known is left out."""
    return [
        (str(_BLAST.get(name, spelled.plain(name))), _reach(name, value))
        for name, value in radius.items()
        if value not in (None, "", [])
    ]


def progress(votes: int, needed: int) -> str:
    """Return how many have said yes, of how many must."""
    return _("%(n)d of %(needed)d") % {"n": votes, "needed": needed}


def _reach(name: str, value: Any) -> str:
    if name == "scope" and value in _SCOPES:
        return str(_SCOPES[value])
    if isinstance(value, list):
        return ", ".join(spelled.plain(str(each)) for each in value)
    return spelled.plain(str(value))
