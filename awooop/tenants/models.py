"""Projects, people, keys: who exists, and who may act for whom."""

import re
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.kit import db, ids
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.modes import Mode

PROJECT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{1,63}")
_project_id_shape = RegexValidator(
    rf"^{PROJECT_ID.pattern}$", _("2 to 64 of a-z 0-9 _ - , not starting with _ or -.")
)
ZONE = r"^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$"  # PostgreSQL also takes rules such as 'X+5'


def known_zone(name: str) -> None:
    """Accept the IANA name of a time zone.

    :raises ValidationError: there is none of that name.
    """
    try:
        if re.match(ZONE, name):
            ZoneInfo(name)
            return
    except (OSError, ValueError, LookupError):
        pass
    raise ValidationError(_("Name a time zone as IANA does, such as Asia/Taipei."))


class Role(models.TextChoices):
    """What a person may do; each includes the one before."""

    VIEWER = "viewer", _("viewer: reads")
    APPROVER = "approver", _("approver: also decides and cancels")
    ADMIN = "admin", _("admin: also changes the project")

    @property
    def rank(self) -> int:
        return list(Role).index(self)


_WATCHED = ("username", "platform_role", "is_active", "is_staff", "is_superuser", "password")


class Operator(AbstractUser):
    """A person who signs in. ``platform_role`` holds in every project; empty means none."""

    platform_role = models.CharField(
        _("platform-wide role"), max_length=16, choices=Role.choices, blank=True, default=""
    )

    changed_by = "shell"  # set by a door before it saves: whom the evidence names

    class Meta:
        db_table = "awooop_operator_account"
        verbose_name = _("operator")
        verbose_name_plural = _("operators")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the account, and the evidence of what changed, in one transaction.

        :raises Unavailable: the evidence cannot be written; nothing is saved.
        """
        if set(kwargs.get("update_fields") or [""]) <= {"last_login"}:
            super().save(*args, **kwargs)
            return
        with db.joined_tx():
            was = Operator.objects.filter(pk=self.pk).values(*_WATCHED).first() if self.pk else None
            super().save(*args, **kwargs)
            self._record(was)

    def _record(self, was: dict[str, Any] | None) -> None:
        now = {name: getattr(self, name) for name in _WATCHED}
        changed = [name for name in _WATCHED if was is None or was[name] != now[name]]
        told = {name: now[name] for name in changed if name != "password"}
        before = {name: was[name] for name in told} if was else {}
        sink.record(
            PLATFORM,
            Act.ACCOUNT_CHANGED if was else Act.ACCOUNT_CREATED,
            actor=self.changed_by,
            target=("operator", self.username),
            facts={"now": told, "was": before, "credential_changed": "password" in changed},
        )


class OperatorToken(models.Model):
    """A bearer token of one person, for scripts; only its hash is kept."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_operator_token"


class TenantModel(models.Model):
    """A row of one project. Its migration must raise :class:`awooop.kit.rls.TenantWalls`."""

    project_id = models.CharField(_("project"), max_length=64)

    class Meta:
        abstract = True


class Project(models.Model):
    """A tenant."""

    project_id = models.CharField(primary_key=True, max_length=64, validators=[_project_id_shape])
    display_name = models.CharField(_("name"), max_length=200)
    migration_mode = models.CharField(
        _("mode"), max_length=32, choices=Mode.choices, default=Mode.LEGACY
    )
    budget_limit_usd = models.DecimalField(
        _("budget (USD)"), max_digits=14, decimal_places=6, null=True, blank=True
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", db_default="UTC", validators=[known_zone]
    )
    max_concurrent_runs = models.PositiveIntegerField(_("runs at once"), default=100)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        db_table = "awooop_projects"
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering: ClassVar = ["project_id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="project_id_shape",
                condition=models.Q(project_id__regex=rf"^{PROJECT_ID.pattern}$"),
            ),
            models.CheckConstraint(
                name="project_mode_known", condition=models.Q(migration_mode__in=Mode.values)
            ),
            models.CheckConstraint(
                name="project_budget_not_negative",
                condition=models.Q(budget_limit_usd__isnull=True)
                | models.Q(budget_limit_usd__gte=0),
            ),
            models.CheckConstraint(
                name="project_zone_shape", condition=models.Q(time_zone__regex=ZONE)
            ),
        ]

    def __str__(self) -> str:
        return self.project_id


class Member(TenantModel):
    """A person's role in one project."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_member"
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "operator", name="member_once_per_project"),
            models.CheckConstraint(
                name="member_role_known", condition=models.Q(role__in=Role.values)
            ),
        ]


class KeyScope(models.TextChoices):
    """What an API key may be used for."""

    RUNS = "runs", _("runs: create, read and cancel")
    CHANNELS = "channels", _("channels: deliver events")
    GATEWAY = "gateway", _("gateway: call tools")


class ApiKey(TenantModel):
    """``awp.<project>.<secret>``; only the secret's hash is kept."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=8)
    secret_sha256 = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=16, choices=KeyScope.choices))
    agent_id = models.CharField(max_length=100, blank=True, default="")
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "awooop_api_key"
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints: ClassVar = [
            models.UniqueConstraint("project_id", "secret_sha256", name="api_key_secret_once"),
        ]


class PlatformSubject(TenantModel):
    """Someone (or something) on a channel, known by ``{project}:{channel}:{user}``."""

    platform_subject_id = models.CharField(primary_key=True, max_length=400)
    channel_type = models.CharField(max_length=32)
    channel_user_id = models.CharField(max_length=300)
    channel_chat_id = models.CharField(max_length=300, null=True, blank=True)
    display_name = models.CharField(max_length=300, null=True, blank=True)
    roles = ArrayField(models.CharField(max_length=16, choices=Role.choices))
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        db_table = "awooop_platform_subjects"
