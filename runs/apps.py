"""The runs app."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs."""

    name = "runs"
