"""Requests for a human's yes, the votes on them, and the tickets that a yes is worth."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.operations import models as operations  # noqa: F401 - Django looks for them here
from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Risk(models.TextChoices):
    """How much a mistake would cost."""

    LOW = "low", _("low")
    MEDIUM = "medium", _("medium")
    HIGH = "high", _("high")
    CRITICAL = "critical", _("critical")

    @property
    def rank(self) -> int:
        return list(Risk).index(self)


class Standing(models.TextChoices):
    """Where a request stands; all but the first are for good."""

    PENDING = "pending", _("waiting for a decision")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    EXPIRED = "expired", _("expired")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Disposition(models.TextChoices):
    """What became of the action, in the words of the wire."""

    WAITING = "", _("not yet known")
    EXECUTED = "approved-executed", _("approved and executed")
    DENIED = "denied-not-executed", _("not executed")
    FAILED = "execution-error", _("approved, and failed")
    UNKNOWN = "outcome-unknown", _("approved, outcome unknown")


class Approval(TenantModel):
    """One request: exactly this action, for a human to say yes or no to.

    ``arguments`` are what would be sent, without secrets; ``action_sha256`` binds them to agent,
    tool, definition and environment, and names the request for as long as it waits. One that a
    person has edited names the request it takes the place of, and keeps what is different.
    """

    pk = models.CompositePrimaryKey("project_id", "approval_id")
    approval_id = models.UUIDField(default=ids.new_id)
    run_id = models.UUIDField()
    agent_id = models.CharField(_("agent"), max_length=100)
    gateway_id = models.CharField(_("gateway"), max_length=100)
    tool_name = models.CharField(_("tool"), max_length=200)
    environment = models.CharField(max_length=32, blank=True, default="")
    arguments = models.JSONField(default=dict)
    action_sha256 = models.CharField(max_length=64)
    call_key = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    risk = models.CharField(max_length=8, choices=Risk.choices)
    required_signatures = models.PositiveSmallIntegerField(_("signatures needed"), default=1)
    requester_may_approve = models.BooleanField(default=False)
    requested_by = models.CharField(max_length=150)
    blast_radius = models.JSONField(default=dict)
    incident_id = models.UUIDField(null=True, blank=True)
    playbook_id = models.UUIDField(null=True, blank=True)
    standing = models.CharField(max_length=16, choices=Standing.choices, default=Standing.PENDING)
    disposition = models.CharField(
        max_length=24, choices=Disposition.choices, blank=True, default=Disposition.WAITING
    )
    decided_by = models.CharField(max_length=150, null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    ticket_id = models.CharField(max_length=64, null=True, blank=True)
    is_edited = models.BooleanField(default=False)
    edited_from = models.UUIDField(null=True, blank=True)
    changes = models.JSONField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(_("asked"))
    expires_at = models.DateTimeField(_("expires"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_approval"
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id",
                "action_sha256",
                "run_id",
                name="approval_pending_once",
                condition=models.Q(standing=Standing.PENDING),
            ),
            models.UniqueConstraint("project_id", "ticket_id", name="approval_ticket_once"),
            models.UniqueConstraint("project_id", "edited_from", name="approval_edited_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                "project_id",
                "approval_id",
                name="approval_waiting",
                condition=models.Q(standing=Standing.PENDING),
            ),
            models.Index(
                "project_id",
                "approval_id",
                name="approval_unsettled",
                condition=models.Q(standing=Standing.APPROVED)
                & models.Q(disposition__in=[Disposition.WAITING, Disposition.UNKNOWN]),
            ),
            models.Index("project_id", "run_id", name="approval_by_run"),
            models.Index(
                "project_id",
                "agent_id",
                "tool_name",
                models.F("approval_id").desc(),
                name="approval_by_tool",
            ),
        ]


class Joiner(TenantModel):
    """Somebody who asked for the same action while it waited: as little its judge as the first."""

    pk = models.CompositePrimaryKey("project_id", "approval_id", "joiner")
    approval_id = models.UUIDField()
    joiner = models.CharField(max_length=150)
    joined_at = models.DateTimeField(_("joined"))

    class Meta:
        db_table = "awooop_approval_joiner"


class Vote(TenantModel):
    """One person's yes or no; once each."""

    pk = models.CompositePrimaryKey("project_id", "approval_id", "voter")
    approval_id = models.UUIDField()
    voter = models.CharField(max_length=150)
    is_yes = models.BooleanField()
    comment = models.CharField(max_length=500, blank=True, default="")
    voted_at = models.DateTimeField(_("voted"))

    class Meta:
        db_table = "awooop_approval_vote"
