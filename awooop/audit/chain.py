"""The sums of the chain: what of an event is hashed, and how one event holds the next. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from awooop.kit import canonical

GENESIS = "0" * 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was done, by whom, to what; redacted already.

    :param facts: JSON whose numbers are integers within 2**53, so that every reader spells them
        alike.
    """

    project_id: str
    event_id: UUID
    act: str
    actor: str
    target_type: str
    target: str
    outcome: str
    code: str | None = None
    run_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def content_sha256(self) -> str:
        """Return the SHA-256 of the event's canonical JSON (RFC 8785).

        :raises NotCanonical: the facts are no JSON.
        """
        return canonical.sha256_of(
            {
                "project_id": self.project_id,
                "event_id": str(self.event_id),
                "act": self.act,
                "actor": self.actor,
                "target_type": self.target_type,
                "target": self.target,
                "outcome": self.outcome,
                "code": self.code,
                "run_id": str(self.run_id) if self.run_id else None,
                "facts": self.facts,
            }
        )


@dataclass(frozen=True, slots=True)
class Link:
    """An event in its place; the database made all of it but the event and its hash."""

    event: Event
    seq: int
    at: datetime
    content_sha256: str
    prev_hash: str
    hash: str

    def sum(self) -> str:
        """Return what ``hash`` must be."""
        return link(self.prev_hash, self.seq, self.at, self.content_sha256)


def link(prev_hash: str, seq: int, at: datetime, content_sha256: str) -> str:
    """Return the hash of a link: over the one before it, its place, its time and its content.

    The trigger ``awooop_audit_link`` works out the same.
    """
    spelled = f"{prev_hash}\n{seq}\n{microseconds(at)}\n{content_sha256}"
    return sha256(spelled.encode()).hexdigest()


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """Return the time that :func:`microseconds` gave."""
    return _EPOCH + us * _MICROSECOND
