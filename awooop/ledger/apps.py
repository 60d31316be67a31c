"""The ledger app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The ledger."""

    name = "awooop.ledger"
    label = "ledger"
