"""Who acts when a command is run from a shell, and what is read from its words."""

import getpass
import os
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation


def actor() -> str:
    """Return how journals name the person at the shell."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may know no name for its user
        return f"shell:uid {os.getuid()}"


def usd(text: str) -> Decimal:
    """Return the amount of USD that an argument spells.

    :raises ArgumentTypeError: it spells none.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ArgumentTypeError(f"{text!r:.60} is no amount of USD") from None
    if not amount.is_finite() or amount < 0:
        raise ArgumentTypeError(f"{text!r:.60} is no amount of USD")
    return amount


def usd_or_none(text: str) -> Decimal | None:
    """As :func:`usd`; the word ``none`` is None."""
    return None if text == "none" else usd(text)
