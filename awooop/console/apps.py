"""The console app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The console."""

    name = "awooop.console"
    label = "console"
