"""Evidence, the head of each chain, and the signatures that seal it.

``project_id`` is :data:`awooop.kit.tenancy.PLATFORM` for the platform's own chain. The database
gives each event its place, time and hash; nobody updates or deletes one.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.audit import acts
from awooop.audit.acts import Outcome


class AuditEvent(models.Model):
    """One act; ``seq`` counts from 1 in its chain, without a gap."""

    pk = models.CompositePrimaryKey("project_id", "seq")
    project_id = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    event_id = models.UUIDField()
    at = models.DateTimeField()
    act = models.CharField(max_length=64, choices=acts.known)
    actor = models.CharField(max_length=200)
    target_type = models.CharField(max_length=32)
    target = models.CharField(max_length=300)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    code = models.CharField(max_length=32, null=True, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    facts = models.JSONField(default=dict)
    content_sha256 = models.CharField(max_length=64)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "awooop_audit_event"
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes: ClassVar = [
            models.Index("project_id", "act", "seq", name="audit_by_act"),
            models.Index("project_id", "actor", "seq", name="audit_by_actor"),
            models.Index("project_id", "target", "seq", name="audit_by_target"),
            models.Index("project_id", "at", name="audit_by_time"),
        ]


class AuditChain(models.Model):
    """Where a chain ends, and what the last look at it found."""

    project_id = models.CharField(primary_key=True, max_length=64)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_seq = models.BigIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "awooop_audit_chain"


class AuditCheckpoint(models.Model):
    """A signature over the state of a chain; each names the one before it."""

    pk = models.CompositePrimaryKey("project_id", "number")
    project_id = models.CharField(max_length=64)
    number = models.BigIntegerField()
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=128)

    class Meta:
        db_table = "awooop_audit_checkpoint"
