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
    """One version of one contract."""

    revision_id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    contract_family = models.CharField(max_length=32, choices=Family.choices)
    contract_id = models.CharField(max_length=100)
    version_major = models.PositiveIntegerField()
    version_minor = models.PositiveIntegerField()
    lifecycle_status = models.CharField(max_length=16, choices=Lifecycle.choices)
    body = models.JSONField()
    body_hash = models.CharField(max_length=64)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_contract_revision"
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
