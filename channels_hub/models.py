"""Channels a project listens on, and the mirror of what came in."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Channel(TenantModel):
    """Which agent of a project handles a channel's events."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    channel_type = models.CharField(max_length=32)
    agent_id = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "awooop_channel"
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "channel_type", name="channel_once_per_project"),
        ]


class ConversationEvent(TenantModel):
    """One delivery, mirrored. A repeated delivery is a row of its own, marked duplicate."""

    event_id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    run_id = models.UUIDField(null=True, blank=True)
    channel_type = models.CharField(_("channel"), max_length=32)
    provider_event_id = models.CharField(max_length=300)
    channel_chat_id = models.CharField(max_length=300, null=True, blank=True)
    platform_subject_id = models.CharField(max_length=400)
    content_preview = models.CharField(max_length=500)
    is_duplicate = models.BooleanField(_("duplicate"), default=False)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        db_table = "awooop_conversation_event"
        verbose_name = _("channel event")
        verbose_name_plural = _("channel events")
        indexes: ClassVar = [
            models.Index("project_id", "run_id", "event_id", name="event_by_run"),
        ]
