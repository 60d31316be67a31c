"""An inbound event in the platform's own words, whatever channel it came by."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One delivery, as it came: what is kept of it is redacted where it is written.

    :param provider_event_id: equal for repeated deliveries of one event, different otherwise.
    :param identity_sha256: a hash of what makes the event itself; deliveries with one
        provider_event_id and different hashes are refused.
    :param preview: what a person reads in the timeline; at most 500 characters are kept.
    """

    channel_type: str
    provider_event_id: str
    identity_sha256: str
    channel_user_id: str
    channel_chat_id: str | None = None
    display_name: str | None = None
    preview: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
