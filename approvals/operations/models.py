"""Incidents, the log of operations, and what is learned from it; further tickets, and notices."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Severity(models.TextChoices):
    """How bad an incident is."""

    INFO = "info", _("info")
    WARNING = "warning", _("warning")
    CRITICAL = "critical", _("critical")


class Status(models.TextChoices):
    """Where an incident stands; resolved is for good."""

    OPEN = "open", _("open")
    INVESTIGATING = "investigating", _("investigating")
    RESOLVED = "resolved", _("resolved")


class Incident(TenantModel):
    """Something is wrong. It resolves after an operation for it was verified, or by a person.

    ``source_ref`` is its source's own name for it: the same one is never opened twice.
    """

    pk = models.CompositePrimaryKey("project_id", "incident_id")
    incident_id = models.UUIDField(default=ids.new_id)
    title = models.CharField(max_length=300)
    category = models.CharField(max_length=100, blank=True, default="general")
    severity = models.CharField(max_length=16, choices=Severity.choices)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.OPEN)
    source = models.CharField(max_length=100)
    source_ref = models.CharField(max_length=300, null=True, blank=True)
    anomaly_key = models.CharField(max_length=64)
    opened_at = models.DateTimeField(_("opened"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(max_length=150, null=True, blank=True)
    resolution_id = models.UUIDField(null=True, blank=True)

    class Meta:
        db_table = "awooop_incident"
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id", "source", "source_ref", name="incident_source_once"
            ),
        ]


class Kind(models.TextChoices):
    """Whether an action touches anything at all."""

    CALL = "call", _("a call of a tool")
    OBSERVE = "observe", _("watch, and touch nothing")


class Stage(models.TextChoices):
    """What an operation waits for."""

    PROPOSED = "proposed", _("proposed")
    OPEN = "open", _("under way")
    RESTING = "resting", _("waits for another attempt")
    VERIFYING = "verifying", _("being verified")
    LEARNING = "learning", _("being learned from")
    DONE = "done", _("done")


class Outcome(models.TextChoices):
    """How an operation ended; once known, it stays."""

    NOT_YET = "", _("not yet known")
    EXECUTED = "executed", _("executed")
    ERROR = "error", _("failed")
    UNKNOWN = "unknown", _("outcome unknown")
    DENIED = "denied", _("not executed")


class Verdict(models.TextChoices):
    """What looking afterwards has shown; it never changes an outcome."""

    NOT_YET = "", _("not looked at")
    VERIFIED = "verified", _("verified")
    FAILED = "failed", _("did not help")
    UNVERIFIED = "unverified", _("unverified")


class Operation(TenantModel):
    """One row of the operation log: opened before anything is sent, closed with what came of it.

    ``action`` is what was asked for in words; ``arguments`` what it was read as. ``due_at`` is
    when the clock looks at it again; ``earlier`` is what would undo it.
    """

    pk = models.CompositePrimaryKey("project_id", "operation_id")
    operation_id = models.UUIDField(default=ids.new_id)
    approval_id = models.UUIDField(null=True, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    incident_id = models.UUIDField(null=True, blank=True)
    playbook_id = models.UUIDField(null=True, blank=True)
    rollback_of = models.UUIDField(null=True, blank=True)
    agent_id = models.CharField(_("agent"), max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CALL)
    action = models.CharField(max_length=2_000)
    description = models.CharField(max_length=2_000, blank=True, default="")
    gateway_id = models.CharField(_("gateway"), max_length=100, blank=True, default="")
    tool_name = models.CharField(_("tool"), max_length=200, blank=True, default="")
    environment = models.CharField(max_length=32, blank=True, default="")
    arguments = models.JSONField(default=dict)
    resolution = models.JSONField(null=True, blank=True)
    risk = models.CharField(max_length=8, blank=True, default="")
    requested_by = models.CharField(max_length=150)
    is_auto_approved = models.BooleanField(default=False)
    stage = models.CharField(max_length=16, choices=Stage.choices, default=Stage.PROPOSED)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    error = models.CharField(max_length=2_000, blank=True, default="")
    stderr = models.TextField(blank=True, default="")
    verification = models.JSONField(null=True, blank=True)
    verdict = models.CharField(max_length=16, choices=Verdict.choices, blank=True, default="")
    verdict_note = models.CharField(max_length=500, blank=True, default="")
    looks = models.PositiveSmallIntegerField(default=0)
    effectiveness = models.PositiveSmallIntegerField(null=True, blank=True)
    earlier = models.JSONField(null=True, blank=True)
    rollback_note = models.CharField(max_length=500, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    verify_by = models.DateTimeField(null=True, blank=True)
    linked_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_operation"
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "approval_id", name="operation_of_approval_once"),
            models.UniqueConstraint(
                "project_id",
                "run_id",
                name="operation_of_run_once",
                condition=models.Q(approval_id=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index("due_at", name="operation_due", condition=~models.Q(due_at=None)),
            models.Index("project_id", "incident_id", name="operation_by_incident"),
        ]


class Ticket(TenantModel):
    """A further ticket of a yes whose earlier ones were burned and opened nothing.

    The database lets it in only when nothing was sent under the one before: see migration 0004.
    """

    pk = models.CompositePrimaryKey("project_id", "approval_id", "number")
    approval_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    ticket_id = models.CharField(max_length=64)
    issued_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_approval_ticket"
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "ticket_id", name="further_ticket_once"),
        ]


class Knowledge(TenantModel):
    """What an operation taught: one entry each, found by its words and its tags.

    There is no GIN index: under row level security PostgreSQL asks an operator that is not
    leakproof, as those of full text search are, only of rows that the policies have let through.
    """

    pk = models.CompositePrimaryKey("project_id", "entry_id")
    entry_id = models.UUIDField(default=ids.new_id)
    operation_id = models.UUIDField()
    incident_id = models.UUIDField(null=True, blank=True)
    title = models.CharField(max_length=300)
    body = models.TextField()
    category = models.CharField(max_length=100)
    tags = ArrayField(models.CharField(max_length=100), default=list)
    did_not_work = models.BooleanField(default=False)
    words = models.GeneratedField(
        expression=SearchVector("title", "category", "body", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(_("created"))

    class Meta:
        db_table = "awooop_knowledge"
        verbose_name = _("knowledge entry")
        verbose_name_plural = _("knowledge")
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "operation_id", name="knowledge_once"),
        ]


class Playbook(TenantModel):
    """An action that helped, for the next time; trusted as far as it has helped since."""

    class Standing(models.TextChoices):
        """Whether it may be offered."""

        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        RETIRED = "retired", _("retired")

    pk = models.CompositePrimaryKey("project_id", "playbook_id")
    playbook_id = models.UUIDField(default=ids.new_id)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=100)
    standing = models.CharField(max_length=16, choices=Standing.choices)
    action = models.CharField(max_length=2_000)
    action_sha256 = models.CharField(max_length=64)
    effectiveness = models.PositiveSmallIntegerField()
    uses = models.PositiveIntegerField(default=1)
    successes = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(_("created"))
    used_at = models.DateTimeField(_("last used"))

    class Meta:
        db_table = "awooop_playbook"
        verbose_name = _("playbook")
        verbose_name_plural = _("playbooks")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id", "category", "action_sha256", name="playbook_action_once"
            ),
        ]

    @property
    def trust(self) -> float:
        return self.successes / self.uses if self.uses else 0.0


class AnomalyDisposition(TenantModel):
    """What was decided about an anomaly, one row for each operation that was proposed for it."""

    class What(models.TextChoices):
        """Who decided, and how."""

        HUMAN_APPROVED = "human_approved", _("approved by people")
        AUTO_APPROVED = "auto_approved", _("approved by policy")
        REJECTED = "rejected", _("rejected")
        EXPIRED = "expired", _("expired")
        NO_ACTION = "no_action", _("watched only")

    pk = models.CompositePrimaryKey("project_id", "operation_id")
    operation_id = models.UUIDField()
    anomaly_key = models.CharField(max_length=64)
    what = models.CharField(max_length=16, choices=What.choices)
    at = models.DateTimeField()

    class Meta:
        db_table = "awooop_anomaly_disposition"
        indexes: ClassVar = [
            models.Index("project_id", "anomaly_key", "what", name="disposition_counted"),
        ]


class Notice(TenantModel):
    """Something people should hear of; the channels take it and say where it went."""

    pk = models.CompositePrimaryKey("project_id", "notice_id")
    notice_id = models.UUIDField(default=ids.new_id)
    operation_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("created"))
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_outbox_notice"
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "operation_id", "kind", name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                "project_id",
                "notice_id",
                name="notice_waiting",
                condition=models.Q(taken_at=None),
            ),
        ]
