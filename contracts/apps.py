"""The contracts app."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Contracts."""

    name = "contracts"
