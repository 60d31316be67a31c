"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Evidence."""

    name = "awooop.audit"
    label = "audit"
