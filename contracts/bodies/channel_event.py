"""The channel_event contract: one delivery, as the platform mirrors it."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from contracts.bodies.reading import Fault
from contracts.bodies.shapes import WORDS, Body, Moment, ProjectId, Sha256, Uuid

_CHANNEL = r"^[a-z][a-z0-9_-]{0,31}$"
WORDS[_CHANNEL] = "1 to 32 of a-z 0-9 _ - , beginning with a letter"

_Named = Annotated[str, Field(min_length=1, max_length=300)]


class ChannelEvent(Body):
    """The body of a channel_event contract."""

    event_id: Uuid
    project_id: ProjectId
    channel_type: Annotated[str, StringConstraints(pattern=_CHANNEL)]
    provider_event_id: _Named
    channel_user_id: _Named
    channel_chat_id: _Named | None = None
    display_name: Annotated[str, Field(max_length=300)] | None = None
    platform_subject_id: Annotated[str, Field(min_length=5, max_length=400)]
    content_preview: Annotated[str, Field(max_length=500)] = ""
    content_sha256: Sha256 | None = None
    is_duplicate: bool = False
    run_id: Uuid | None = None
    received_at: Moment


def beyond(body: Any) -> Iterator[Fault]:
    """Yield what a schema cannot say: the subject is the project's, of this channel."""
    names = ("project_id", "channel_type", "channel_user_id")
    parts = [body.get(name) for name in (*names, "platform_subject_id")]
    if all(isinstance(part, str) for part in parts):
        *owner, subject = parts
        if subject != ":".join(owner)[:400]:
            yield Fault(
                ("platform_subject_id",),
                "must be project_id, channel_type and channel_user_id joined by colons",
            )
