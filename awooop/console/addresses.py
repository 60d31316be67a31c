"""Addresses that pages and redirects may repeat: those that hold no secret."""

from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest

from awooop.kit.redaction import redact

HOME = "/admin/"


def may_be_shown(address: str) -> bool:
    """Tell whether an address holds no secret, escaped or not."""
    plain = unquote(unquote(address))
    return redact(address) == address and redact(plain) == plain


def here(request: HttpRequest) -> dict[str, Callable[[], str]]:
    """Give templates the address of their page; the site's door if that may not be shown."""

    def address() -> str:
        full = request.get_full_path()
        return full if may_be_shown(full) else HOME

    return {"here": address}
