"""The console app."""

from django.apps import AppConfig
from django.db.models.signals import pre_save


class ConsoleConfig(AppConfig):
    """The console."""

    name = "awooop.console"
    label = "console"

    def ready(self) -> None:
        """Redact what other apps write of what people typed."""
        from axes.models import AccessAttempt
        from django.contrib.admin.models import LogEntry

        from awooop.console import entries, lockout

        pre_save.connect(lockout.forget_forms, sender=AccessAttempt, dispatch_uid="awooop.lockout")
        pre_save.connect(entries.redact_entry, sender=LogEntry, dispatch_uid="awooop.entries")
