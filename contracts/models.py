"""Contract revisions: what was promised, in which version, and whether it holds now."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Family(models.TextChoices):
    """The six kinds of contract."""

    PROJECT = "project"
    AGENT = "agent"
    POLICY = "policy"
    MCP_GATEWAY = "mcp_gateway"
    CHANNEL_EVENT = "channel_event"
    RUNTIME_RUN_STATE = "runtime_run_state"


class Lifecycle(models.TextChoices):
    """Where a revision stands."""

    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    ACTIVE = "active", _("active")
    RETIRED = "retired", _("retired")


class ContractRevision(TenantModel):
    """One version of one contract.

    A draft has no version yet. Once published, its body, version and signature never change; the
    database sees to that. ``moved_no`` grows with every move in the project: of two readings, the
    one with the higher number is the newer.
    """

    revision_id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    contract_family = models.CharField(max_length=32, choices=Family.choices)
    contract_id = models.CharField(max_length=100)
    version_major = models.PositiveIntegerField(null=True, blank=True)
    version_minor = models.PositiveIntegerField(null=True, blank=True)
    lifecycle_status = models.CharField(
        max_length=16, choices=Lifecycle.choices, default=Lifecycle.DRAFT
    )
    body = models.JSONField()
    body_hash = models.CharField(max_length=64)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    key_id = models.CharField(max_length=32, null=True, blank=True)
    signature = models.CharField(max_length=64, null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    moved_no = models.BigIntegerField(default=0)

    class Meta:
        db_table = "awooop_contract_revision"
        indexes: ClassVar = [
            models.Index("project_id", "moved_no", name="contract_by_move"),
            models.Index("project_id", "revision_id", name="contract_by_project"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id",
                "contract_family",
                "contract_id",
                "version_major",
                "version_minor",
                name="contract_version_once",
            ),
            models.UniqueConstraint(
                "project_id",
                "contract_family",
                "contract_id",
                condition=models.Q(lifecycle_status=Lifecycle.ACTIVE),
                name="contract_one_active",
            ),
            models.CheckConstraint(
                name="contract_family_known",
                condition=models.Q(contract_family__in=Family.values),
            ),
            models.CheckConstraint(
                name="contract_lifecycle_known",
                condition=models.Q(lifecycle_status__in=Lifecycle.values),
            ),
        ]

    @property
    def version(self) -> str:
        """The version as people write it; a draft has none."""
        return f"{self.version_major}.{self.version_minor}" if self.version_major else ""


class ContractSignature(TenantModel):
    """One person's yes to one body. Whether it counts is judged when the revision is activated."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    revision_id = models.UUIDField()
    signer = models.CharField(max_length=150)
    body_hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    key_id = models.CharField(max_length=32)
    signature = models.CharField(max_length=64)

    class Meta:
        db_table = "awooop_contract_signature"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id", "revision_id", "signer", name="contract_signed_once_each"
            ),
        ]
