"""Runs, their moves, their journal, and the keys that make an event count once.

The hot paths (:mod:`runs.intake`, :mod:`runs.moves`) write these tables in SQL; the models serve
migrations, the admin and everything that is not hot. Their rules stand in the database as
triggers (migration 0003), not as CHECK constraints: PostgreSQL parses each constraint of a table
anew for every statement, which cost these tables a tenth of their speed.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel
from runs.fsm import State


class Trigger(models.TextChoices):
    """What set a run off."""

    CHANNEL_EVENT = "channel_event", _("channel event")
    SCHEDULE = "schedule", _("schedule")
    API = "api", _("API")
    SUB_AGENT = "sub_agent", _("sub-agent")
    RETRY = "retry", _("retry")


class Run(TenantModel):
    """One execution of an agent for one trigger.

    ``version`` grows with each move, ``lease_epoch`` with each claim; neither ever falls. Who made
    the last move, and why, stands in ``moved_by`` and ``move_reason``; the database copies each
    move into a :class:`Transition` by itself. Times are the database's clock.
    """

    run_id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    agent_id = models.CharField(_("agent"), max_length=100)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    version = models.PositiveIntegerField(default=1)
    moved_by = models.CharField(max_length=150, null=True, blank=True)
    move_reason = models.CharField(max_length=500, null=True, blank=True)
    is_shadow = models.BooleanField(_("shadow"))
    trace_id = models.CharField(max_length=55)
    trigger_type = models.CharField(_("trigger"), max_length=16, choices=Trigger.choices)
    trigger_ref = models.CharField(max_length=300, blank=True, default="")
    parent_run_id = models.UUIDField(null=True, blank=True)
    policy_revision_id = models.UUIDField(null=True, blank=True)
    input = models.JSONField(default=dict)
    input_sha256 = models.CharField(max_length=64)
    output_sha256 = models.CharField(max_length=64, null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=10)
    step_count = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    error_detail = models.CharField(max_length=500, null=True, blank=True)
    worker_id = models.CharField(max_length=100, null=True, blank=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(null=True, blank=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    timeout_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_run_state"
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering: ClassVar = ["-run_id"]
        indexes: ClassVar = [
            models.Index("project_id", "run_id", name="run_by_project"),
            models.Index("state", "project_id", "run_id", name="run_by_state"),
            models.Index(
                "project_id",
                "run_id",
                name="run_waiting",
                condition=models.Q(state=State.PENDING),
            ),
            models.Index("project_id", "agent_id", "run_id", name="run_by_agent"),
            models.Index(
                "project_id",
                "run_id",
                name="run_live",
                condition=models.Q(is_shadow=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.run_id)


class Transition(models.Model):
    """One row per move: the timeline, the evidence and the outbox."""

    pk = models.CompositePrimaryKey("project_id", "run_id", "version")
    project_id = models.CharField(max_length=64)
    run_id = models.UUIDField()
    version = models.PositiveIntegerField()
    was = models.CharField(max_length=16)
    now = models.CharField(max_length=16)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=150)
    lease_epoch = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "awooop_run_transition"


class StepStatus(models.TextChoices):
    """How a step ended; ``intent`` until then. ``success`` only for what really ran."""

    INTENT = "intent", _("intended")
    SIMULATED = "simulated", _("simulated")
    BLOCKED = "blocked", _("blocked")
    SUCCESS = "success", _("success")
    ERROR = "error", _("error")
    UNKNOWN = "unknown", _("outcome unknown")


class Step(models.Model):
    """One journalled action of a run; ``step_seq`` counts from 1 without gaps."""

    pk = models.CompositePrimaryKey("project_id", "run_id", "step_seq")
    project_id = models.CharField(max_length=64)
    run_id = models.UUIDField()
    step_seq = models.PositiveIntegerField()
    tool_name = models.CharField(max_length=200)
    mcp_gateway_id = models.CharField(max_length=100, null=True, blank=True)
    result_status = models.CharField(max_length=16, choices=StepStatus.choices)
    was_blocked = models.BooleanField(default=False)
    block_reason = models.CharField(max_length=500, null=True, blank=True)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    lease_epoch = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_run_step_journal"


class IdempotencyKey(models.Model):
    """The event a run was created for; the primary key is what makes it count once."""

    pk = models.CompositePrimaryKey("project_id", "channel_type", "provider_event_id")
    project_id = models.CharField(max_length=64)
    channel_type = models.CharField(max_length=32)
    provider_event_id = models.CharField(max_length=300)
    run_id = models.UUIDField()
    payload_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_run_idempotency"
