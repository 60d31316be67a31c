"""Tools as they were seen and released, calls as they ended, effects, and the switches.

The hot path (:mod:`gateway.calls`) writes these tables in SQL; the models serve migrations, the
console and what is not hot.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Standing(models.TextChoices):
    """Whether agents may use a tool."""

    QUARANTINED = "quarantined", _("quarantined: never released")
    RELEASED = "released", _("released")
    SUSPENDED = "suspended", _("suspended: it changed")
    GONE = "gone", _("gone: its server no longer lists it")


class Provider(TenantModel):
    """What the server behind a gateway contract said of itself when it was last listed."""

    pk = models.CompositePrimaryKey("project_id", "gateway_id")
    gateway_id = models.CharField(_("gateway"), max_length=100)
    server_name = models.CharField(max_length=200, blank=True, default="")
    server_version = models.CharField(max_length=100, blank=True, default="")
    instructions = models.TextField(blank=True, default="")
    logs = models.BooleanField(default=False, db_default=False)
    tool_count = models.PositiveIntegerField(default=0)
    body_hash = models.CharField(max_length=64, blank=True, default="")
    faults = models.JSONField(default=list)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    error_detail = models.CharField(max_length=500, null=True, blank=True)
    listed_at = models.DateTimeField(_("listed"), null=True, blank=True)
    tried_at = models.DateTimeField(_("tried"), null=True, blank=True)

    class Meta:
        db_table = "awooop_gateway_provider"
        verbose_name = _("provider")
        verbose_name_plural = _("providers")


class Tool(TenantModel):
    """A tool as its server defines it now, and as an operator released it.

    ``definition``, ``instructions`` (its server's) and ``pin_sha256`` are what was released;
    ``seen``, ``seen_instructions`` and ``seen_sha256`` what the server sent last; agents only ever
    see the first. What an operator suspended, only an operator releases.
    """

    pk = models.CompositePrimaryKey("project_id", "gateway_id", "tool_name")
    gateway_id = models.CharField(_("gateway"), max_length=100)
    tool_name = models.CharField(_("tool"), max_length=200)
    standing = models.CharField(max_length=16, choices=Standing.choices)
    definition = models.JSONField(null=True, blank=True)
    instructions = models.TextField(blank=True, default="")
    pin_sha256 = models.CharField(max_length=64, null=True, blank=True)
    seen = models.JSONField()
    seen_instructions = models.TextField(blank=True, default="")
    seen_sha256 = models.CharField(max_length=64)
    warnings = models.JSONField(default=list)
    renamed_from = models.CharField(max_length=200, null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    released_by = models.CharField(max_length=150, null=True, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    suspended_by = models.CharField(max_length=150, null=True, blank=True)

    class Meta:
        db_table = "awooop_gateway_tool"
        verbose_name = _("tool")
        verbose_name_plural = _("tools")


class Generation(TenantModel):
    """How often the tools of a project have changed; what a process compares its memory with."""

    project_id = models.CharField(_("project"), primary_key=True, max_length=64)
    number = models.BigIntegerField(default=0)

    class Meta:
        db_table = "awooop_gateway_generation"


class Status(models.TextChoices):
    """How a call ended."""

    SUCCESS = "success", _("success")
    ERROR = "error", _("error")
    BLOCKED = "blocked", _("blocked")
    SIMULATED = "simulated", _("simulated")
    UNKNOWN = "unknown", _("outcome unknown")


class ToolCall(TenantModel):
    """One call, refused or not; written once, never changed."""

    pk = models.CompositePrimaryKey("project_id", "call_id")
    call_id = models.UUIDField(default=ids.new_id)
    agent_id = models.CharField(_("agent"), max_length=100)
    actor = models.CharField(max_length=150)
    run_id = models.UUIDField(null=True, blank=True)
    trace_id = models.CharField(max_length=55, blank=True, default="")
    gateway_id = models.CharField(_("gateway"), max_length=100, blank=True, default="")
    tool_name = models.CharField(_("tool"), max_length=200)
    environment = models.CharField(max_length=32, blank=True, default="")
    is_shadow = models.BooleanField(_("shadow"))
    result_status = models.CharField(_("result"), max_length=16, choices=Status.choices)
    block_gate = models.PositiveSmallIntegerField(_("gate"), null=True, blank=True)
    block_reason = models.CharField(max_length=500, null=True, blank=True)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    is_destructive = models.BooleanField(default=False)
    arguments = models.TextField(blank=True, default="")
    args_sha256 = models.CharField(max_length=64)
    result_sha256 = models.CharField(max_length=64, null=True, blank=True)
    result_size = models.PositiveIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("when"))

    class Meta:
        db_table = "awooop_mcp_gateway_audit"
        verbose_name = _("tool call")
        verbose_name_plural = _("tool calls")
        indexes: ClassVar = [
            models.Index("project_id", "run_id", "call_id", name="tool_call_by_run"),
        ]


class Outcome(models.TextChoices):
    """What became of an effect; ``claimed`` while its call is in flight."""

    CLAIMED = "claimed", _("in flight")
    EXECUTED = "executed", _("executed")
    ERROR = "error", _("error")
    UNKNOWN = "unknown", _("outcome unknown")


class Effect(TenantModel):
    """A call that may change the world, claimed once before it is sent.

    ``action_sha256`` stands for exactly this action; while it is in flight or unknown, nothing may
    do the same again. ``key`` is its caller's own name for the effect, once in a project.
    ``is_unsent`` says of an error that the call never left, by whoever would have sent it.
    """

    pk = models.CompositePrimaryKey("project_id", "effect_id")
    effect_id = models.UUIDField(default=ids.new_id)
    agent_id = models.CharField(_("agent"), max_length=100)
    actor = models.CharField(max_length=150)
    run_id = models.UUIDField(null=True, blank=True)
    lease_epoch = models.PositiveIntegerField(null=True, blank=True)
    trace_id = models.CharField(max_length=55, blank=True, default="")
    gateway_id = models.CharField(_("gateway"), max_length=100)
    tool_name = models.CharField(_("tool"), max_length=200)
    environment = models.CharField(max_length=32, blank=True, default="")
    arguments = models.TextField(blank=True, default="")
    args_sha256 = models.CharField(max_length=64)
    action_sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=200, null=True, blank=True)
    ticket_id = models.CharField(max_length=64, null=True, blank=True)
    reservation_id = models.UUIDField(null=True, blank=True)
    probe = models.JSONField(null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.CLAIMED)
    is_unsent = models.BooleanField(default=False, db_default=False)
    error_code = models.CharField(max_length=32, null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    resolved_by = models.CharField(max_length=150, null=True, blank=True)
    claimed_at = models.DateTimeField(_("claimed"))
    expires_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_tool_effect"
        verbose_name = _("effect")
        verbose_name_plural = _("effects")
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "key", name="effect_key_once"),
            models.UniqueConstraint("project_id", "ticket_id", name="effect_ticket_once"),
            models.UniqueConstraint(
                "project_id",
                "action_sha256",
                name="effect_open_once",
                condition=models.Q(outcome__in=[Outcome.CLAIMED, Outcome.UNKNOWN]),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "project_id",
                "effect_id",
                name="effect_unresolved",
                condition=models.Q(outcome__in=[Outcome.CLAIMED, Outcome.UNKNOWN]),
            ),
        ]


class Level(models.TextChoices):
    """What a kill switch stops."""

    PLATFORM = "platform", _("the whole platform")
    PROJECT = "project", _("a project")
    AGENT = "agent", _("an agent")
    TOOL = "tool", _("a tool")


class Switch(TenantModel):
    """A kill switch below the platform. Armed, no new call is let in; thrown, none can start."""

    pk = models.CompositePrimaryKey("project_id", "switch_id")
    switch_id = models.UUIDField(default=ids.new_id)
    level = models.CharField(max_length=8, choices=Level.choices)
    key = models.CharField(max_length=301, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    thrown_by = models.CharField(max_length=150)
    armed_at = models.DateTimeField()
    thrown_at = models.DateTimeField(_("thrown"), null=True, blank=True)
    lifted_by = models.CharField(max_length=150, null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        db_table = "awooop_kill_switch"
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switches")
        indexes: ClassVar = [
            models.Index(
                "project_id",
                "level",
                name="switch_open",
                condition=models.Q(lifted_at=None),
            ),
        ]


class PlatformSwitch(models.Model):
    """The kill switch of the whole platform: a row of no tenant, which every tenant reads."""

    switch_id = models.UUIDField(primary_key=True, default=ids.new_id)
    reason = models.CharField(max_length=300, blank=True, default="")
    thrown_by = models.CharField(max_length=150)
    armed_at = models.DateTimeField()
    thrown_at = models.DateTimeField(_("thrown"), null=True, blank=True)
    lifted_by = models.CharField(max_length=150, null=True, blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        db_table = "awooop_platform_switch"
        indexes: ClassVar = [
            models.Index(
                "armed_at", name="platform_switch_open", condition=models.Q(lifted_at=None)
            )
        ]


class Rate(TenantModel):
    """Calls of one minute, counted here while Valkey is away."""

    pk = models.CompositePrimaryKey("project_id", "key", "minute")
    key = models.CharField(max_length=400)
    minute = models.BigIntegerField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "awooop_gateway_rate"
