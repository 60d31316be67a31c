"""Limits, counters, the ledger itself, open reservations, alerts.

Only limits and ledger entries are written by anybody. A trigger on the ledger (migration 0003) does
the arithmetic: it keeps the accounts, opens and closes the holds, notes the alerts. The rules of
these hot tables stand there too, not in CHECK constraints. USD are ``numeric(20,10)``.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.kit import ids
from awooop.tenants.models import TenantModel


class Level(models.TextChoices):
    """Whose money: the whole project's, one agent's, one run's."""

    PROJECT = "project", _("project")
    AGENT = "agent", _("agent")
    RUN = "run", _("run")


class Period(models.TextChoices):
    """Over which time: a calendar day or month in the project's zone, or a run's whole life."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    TOTAL = "total", _("in total")


class Kind(models.TextChoices):
    """What an entry says. Whoever asks for ``reserve`` may find ``refused`` written instead."""

    RESERVE = "reserve", _("reserved")
    REFUSED = "refused", _("refused")
    SETTLE = "settle", _("settled")
    RELEASE = "release", _("released")


class Budget(TenantModel):
    """A limit that an operator sets.

    An empty ``agent_id`` means each agent (or each run of whatever agent) by itself; an agent's own
    row takes its place for that agent. For the project it is always empty. A project's
    ``budget_limit_usd`` is a monthly limit too: the stricter one holds.
    """

    pk = models.CompositePrimaryKey("project_id", "scope", "agent_id", "period")
    scope = models.CharField(max_length=8, choices=Level.choices)
    agent_id = models.CharField(_("agent"), max_length=100, blank=True, default="")
    period = models.CharField(max_length=8, choices=Period.choices)
    limit_usd = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    limit_tokens = models.BigIntegerField(null=True, blank=True)
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_budget"
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="budget_scope_known", condition=models.Q(scope__in=Level.values)
            ),
            models.CheckConstraint(
                name="budget_period_fits",
                condition=models.Q(scope=Level.RUN, period=Period.TOTAL)
                | models.Q(~models.Q(scope=Level.RUN), period__in=[Period.DAY, Period.MONTH]),
            ),
            models.CheckConstraint(
                name="budget_of_project_names_no_agent",
                condition=~models.Q(scope=Level.PROJECT) | models.Q(agent_id=""),
            ),
            models.CheckConstraint(
                name="budget_limits_something",
                condition=models.Q(limit_usd__isnull=False) | models.Q(limit_tokens__isnull=False),
            ),
            models.CheckConstraint(
                name="budget_not_negative",
                condition=(models.Q(limit_usd__isnull=True) | models.Q(limit_usd__gte=0))
                & (models.Q(limit_tokens__isnull=True) | models.Q(limit_tokens__gte=0)),
            ),
        ]


class Account(TenantModel):
    """What was spent and is reserved at one level in one period, kept whether limited or not.

    ``key`` is empty for the project, else the agent's id or the run's. ``starts_on`` is the first
    day of the period, ``0001-01-01`` for a total.
    """

    pk = models.CompositePrimaryKey("project_id", "level", "period", "starts_on", "key")
    level = models.CharField(max_length=8, choices=Level.choices)
    period = models.CharField(max_length=8, choices=Period.choices)
    starts_on = models.DateField()
    key = models.CharField(max_length=100)
    reserved_usd = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    spent_usd = models.DecimalField(max_digits=20, decimal_places=10, default=0)
    reserved_tokens = models.BigIntegerField(default=0)
    spent_tokens = models.BigIntegerField(default=0)
    calls = models.IntegerField(default=0)

    class Meta:
        db_table = "awooop_budget_account"


class Entry(TenantModel):
    """One line of the ledger; it never changes.

    ``day`` and ``month`` are the periods it counts in, fixed when its money was reserved. The
    refused level and period name the limit a refused entry did not fit, or the limit that a
    settled one went over.
    """

    pk = models.CompositePrimaryKey("project_id", "entry_id")
    entry_id = models.UUIDField(default=ids.new_id)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reservation_id = models.UUIDField()
    run_id = models.UUIDField(null=True, blank=True)
    lease_epoch = models.IntegerField(null=True, blank=True)
    agent_id = models.CharField(_("agent"), max_length=100)
    day = models.DateField()
    month = models.DateField()
    usd = models.DecimalField(max_digits=20, decimal_places=10)
    tokens = models.BigIntegerField()
    purpose = models.CharField(max_length=200)
    refused_level = models.CharField(max_length=8, choices=Level.choices, null=True, blank=True)
    refused_period = models.CharField(max_length=8, choices=Period.choices, null=True, blank=True)
    actor = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        db_table = "awooop_budget_ledger"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project_id", "reservation_id", "kind", name="budget_entry_once_each"
            ),
        ]


class Hold(TenantModel):
    """A reservation that is neither settled nor released."""

    pk = models.CompositePrimaryKey("project_id", "reservation_id")
    reservation_id = models.UUIDField()
    run_id = models.UUIDField(null=True, blank=True)
    agent_id = models.CharField(_("agent"), max_length=100)
    usd = models.DecimalField(max_digits=20, decimal_places=10)
    tokens = models.BigIntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_budget_hold"


class Alert(TenantModel):
    """A share of a limit was spent: noted once for each level, period and threshold."""

    pk = models.CompositePrimaryKey(
        "project_id", "level", "key", "period", "starts_on", "threshold"
    )
    level = models.CharField(max_length=8, choices=Level.choices)
    key = models.CharField(max_length=100)
    period = models.CharField(max_length=8, choices=Period.choices)
    starts_on = models.DateField()
    threshold = models.PositiveSmallIntegerField(_("per cent"))
    at = models.DateTimeField()

    class Meta:
        db_table = "awooop_budget_alert"
        indexes: ClassVar = [models.Index("project_id", "at", name="alert_by_time")]
