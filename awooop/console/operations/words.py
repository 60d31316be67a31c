"""How incidents, operations and what was learned from them are told to people."""

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from approvals.operations.models import (
    AnomalyDisposition,
    Outcome,
    Playbook,
    Severity,
    Stage,
    Status,
    Verdict,
)
from awooop.console.wording import Badge

_SEVERITIES = {
    Severity.INFO: ("info", "info"),
    Severity.WARNING: ("warn", "warning"),
    Severity.CRITICAL: ("bad", "emergency_home"),
}
_STATUSES = {
    Status.OPEN: ("bad", "error"),
    Status.INVESTIGATING: ("warn", "troubleshoot"),
    Status.RESOLVED: ("good", "check"),
}
_OUTCOMES = {
    Outcome.NOT_YET: ("info", "pending"),
    Outcome.EXECUTED: ("good", "check"),
    Outcome.ERROR: ("bad", "error"),
    Outcome.UNKNOWN: ("bad", "help"),
    Outcome.DENIED: ("quiet", "block"),
}
_VERDICTS = {
    Verdict.NOT_YET: ("quiet", "visibility_off"),
    Verdict.VERIFIED: ("good", "verified"),
    Verdict.FAILED: ("bad", "thumb_down"),
    Verdict.UNVERIFIED: ("warn", "help"),
}
_STANDINGS = {
    Playbook.Standing.DRAFT: ("quiet", "edit_note"),
    Playbook.Standing.APPROVED: ("good", "check"),
    Playbook.Standing.RETIRED: ("quiet", "archive"),
}


def severity(value: str) -> Badge:
    """Return the badge of how bad an incident is."""
    return Badge(capfirst(str(Severity(value).label)), *_SEVERITIES[Severity(value)])


def status(value: str) -> Badge:
    """Return the badge of where an incident stands."""
    return Badge(capfirst(str(Status(value).label)), *_STATUSES[Status(value)])


def outcome(value: str) -> Badge:
    """Return the badge of how an operation ended."""
    return Badge(capfirst(str(Outcome(value).label)), *_OUTCOMES[Outcome(value)])


def verdict(value: str) -> Badge:
    """Return the badge of what looking afterwards has shown."""
    return Badge(capfirst(str(Verdict(value).label)), *_VERDICTS[Verdict(value)])


def stage(value: str) -> str:
    """Return what an operation waits for."""
    return capfirst(str(Stage(value).label))


def standing(value: str) -> Badge:
    """Return the badge of whether a playbook may be offered."""
    found = Playbook.Standing(value)
    return Badge(capfirst(str(found.label)), *_STANDINGS[found])


def worked(did_not_work: bool) -> Badge:
    """Return the badge of whether what an entry tells of has helped."""
    if did_not_work:
        return Badge(_("Did not work"), "bad", "thumb_down")
    return Badge(_("Worked"), "good", "thumb_up")


def trust(successes: int, uses: int) -> str:
    """Return how far a playbook is trusted."""
    share = round(100 * successes / uses) if uses else 0
    return _("%(share)d %% (%(n)d of %(uses)d)") % {"share": share, "n": successes, "uses": uses}


def disposition(value: str) -> str:
    """Return what was decided about an anomaly."""
    return capfirst(str(AnomalyDisposition.What(value).label))
