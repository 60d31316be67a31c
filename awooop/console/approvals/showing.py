"""A request as the console shows it, and why the person who looks may not decide on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.models import Standing
from awooop.console import wording
from awooop.console.approvals import words
from awooop.console.approvals.requests import Votes
from awooop.console.gateway import places, spelled
from awooop.console.gateway.reading import Row
from awooop.console.gateway.spelled import Part
from awooop.console.wording import Badge
from awooop.kit.admin import Moment
from awooop.kit.db import Scope
from awooop.kit.redaction import redact
from awooop.tenants import access

_SHORT = 1_500  # characters of arguments in a list; the request's own page has them all


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, and where they decide.

    :param name: as journals name them.
    """

    name: str
    decides: Scope


@dataclass(frozen=True, slots=True)
class VoteRow:
    """A vote as the console shows it."""

    voter: str
    is_yes: bool
    comment: str
    counts: bool
    at: Moment


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the console shows it.

    :param hindrance: why whoever looks may not decide; nothing when they may.
    """

    approval_id: str
    href: str
    approve_href: str
    reject_href: str
    project: str
    agent: str
    tool: str
    gateway: str
    gateway_href: str
    environment: str
    description: str
    arguments: list[Part]
    is_cut: bool
    is_edited: bool
    risk: Badge
    blast: list[tuple[str, str]]
    requested_by: str
    joiners: str
    standing: Badge
    disposition: Badge
    is_pending: bool
    progress: str
    votes: int
    missing: int
    voters: list[VoteRow]
    decided_by: str
    decided: Moment | None
    reason: str
    run_id: str
    run_href: str
    asked: Moment
    expires: Moment
    left: str
    is_soon: bool
    hindrance: str


def shown(
    row: Row, cast: Votes, looker: Looker, now: datetime, *, is_whole: bool = False
) -> Request:
    """Return a request as whoever looks is shown it."""
    votes = cast.get((row["project_id"], row["approval_id"]), ())
    yes = sum(vote["is_yes"] and vote["counts"] for vote in votes)
    text = spelled.pretty(redact(row["arguments"])) if row["arguments"] else ""
    identity, run_id = str(row["approval_id"]), str(row["run_id"])
    at = [row["project_id"], identity]
    return Request(
        approval_id=identity,
        href=reverse("admin:approval", args=at),
        approve_href=reverse("admin:approval-decide", args=[*at, "approve"]),
        reject_href=reverse("admin:approval-decide", args=[*at, "reject"]),
        project=row["project_id"],
        agent=spelled.plain(row["agent_id"]),
        tool=spelled.plain(row["tool_name"]),
        gateway=row["gateway_id"],
        gateway_href=places.gateway(row),
        environment=row["environment"],
        description=spelled.plain(row["description"]),
        arguments=spelled.parts(text if is_whole else text[:_SHORT]),
        is_cut=not is_whole and len(text) > _SHORT,
        is_edited=row["is_edited"],
        risk=words.risk(row["risk"]),
        blast=words.blast(row["blast_radius"]),
        requested_by=spelled.plain(row["requested_by"]),
        joiners=spelled.plain(", ".join(row["joiners"])),
        standing=wording.standing(row["standing"]),
        disposition=words.disposition(row["disposition"]),
        is_pending=row["standing"] == Standing.PENDING,
        progress=words.progress(yes, row["required_signatures"]),
        votes=yes,
        missing=max(0, row["required_signatures"] - yes),
        voters=[_vote(vote, now) for vote in votes],
        decided_by=row["decided_by"] or "",
        decided=Moment.of(row["decided_at"], now) if row["decided_at"] else None,
        reason=spelled.plain(row["reason"]),
        run_id=run_id,
        run_href=reverse("admin:run", args=[run_id]),
        asked=Moment.of(row["created_at"], now),
        expires=Moment.of(row["expires_at"], now),
        left=words.left(row["expires_at"], now),
        is_soon=words.is_soon(row["expires_at"], now),
        hindrance=_hindrance(row, votes, looker, now),
    )


def _hindrance(row: Row, votes: Sequence[Row], looker: Looker, now: datetime) -> str:
    if row["standing"] != Standing.PENDING:
        return _("It waits for nobody any more.")
    if not access.holds(looker.decides, row["project_id"]):
        return _("Deciding takes the role approver in this project.")
    askers = {row["requested_by"], *row["joiners"]}
    if looker.name in askers and not row["requester_may_approve"]:
        return _("You asked for this yourself: somebody else must decide.")
    if row["expires_at"] <= now:
        return _("Nobody decided in time.")
    if any(vote["voter"] == looker.name for vote in votes):
        return _("You have voted; it waits for others.")
    return ""


def _vote(vote: Row, now: datetime) -> VoteRow:
    return VoteRow(
        voter=vote["voter"],
        is_yes=vote["is_yes"],
        comment=spelled.plain(vote["comment"]),
        counts=vote["counts"],
        at=Moment.of(vote["voted_at"], now),
    )
