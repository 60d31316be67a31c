"""The console app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "awooop.console"
    label = "console"
