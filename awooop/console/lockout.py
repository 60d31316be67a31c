"""What is remembered of failed sign-ins: who tried and from where, nothing they typed besides.

People type passwords into the name's field, and programs send anything in their headers.
"""

from collections.abc import Mapping
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.http import HttpRequest

from awooop.kit import redaction


class Handler(AxesDatabaseHandler):
    """The database handler, told what a client says of itself without its secrets."""

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any
    ) -> None:
        """Count a failure."""
        _hush(request)
        super().user_login_failed(sender, credentials, request, **more)

    def user_logged_in(self, sender: Any, request: Any, user: Any, **more: Any) -> None:
        """Note a success."""
        _hush(request)
        super().user_logged_in(sender, request, user, **more)


def name_tried(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str | None:
    """Return the name that failures are counted by: equal names stay equal."""
    name = (credentials or request.POST).get("username")
    return name and redaction.identity(str(name), 150)


def forget_forms(sender: type[AccessAttempt], instance: AccessAttempt, **_: Any) -> None:
    """Keep nothing of the form and of the query: that they failed is enough."""
    instance.get_data = instance.post_data = ""


def _hush(request: Any) -> None:
    for name in ("axes_user_agent", "axes_path_info", "axes_http_accept"):
        if written := getattr(request, name, None):
            setattr(request, name, redaction.excerpt(written, 255))
