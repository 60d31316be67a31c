"""Stop what `up` or any other command started here."""

from typing import Any

from django.core.management.base import BaseCommand

from awooop.console import local


class Command(BaseCommand):
    """Stop `up` and the embedded servers."""

    help = "Stop a running `up` and the embedded servers of this checkout."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Stop them."""
        local.down(say=self.stdout.write)
