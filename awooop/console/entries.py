"""The admin's own journal of who changed which account: names of fields, and no secrets."""

from typing import Any

from django.contrib.admin.models import LogEntry

from awooop.kit import redaction


def redact_entry(sender: type[LogEntry], instance: LogEntry, **_: Any) -> None:
    """Keep the secrets of what was changed out of an entry that is about to be written."""
    instance.object_repr = redaction.excerpt(instance.object_repr, 200)
    instance.change_message = redaction.redact(instance.change_message)
