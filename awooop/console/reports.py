"""What a report of an error may show of this process: its code, not its settings and values."""

from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from awooop.kit import redaction

_HIDDEN = "(hidden)"


class Reticence(SafeExceptionReporterFilter):
    """Django's report without settings, local variables, forms and headers."""

    def get_safe_settings(self) -> dict[str, Any]:
        """Return no settings."""
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        """Return the names of the headers."""
        return dict.fromkeys(getattr(request, "META", {}), _HIDDEN)

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        """Return the names of the cookies."""
        return dict.fromkeys(getattr(request, "COOKIES", {}), _HIDDEN)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return the names of the form's fields."""
        return dict.fromkeys(request.POST, _HIDDEN) if request is not None else {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> Any:
        """Return the names of the local variables."""
        return [(name, _HIDDEN) for name in tb_frame.f_locals]


class Report(ExceptionReporter):
    """Django's report with what an exception says redacted, and the query as names alone."""

    def get_traceback_data(self) -> dict[str, Any]:
        """Return what the page shows."""
        told: dict[str, Any] = super().get_traceback_data()
        for name in ("exception_value", "exception_notes", "unicode_hint"):
            if name in told:
                told[name] = redaction.redact(told[name])
        if "request_GET_items" in told:
            told["request_GET_items"] = [(name, _HIDDEN) for name, _ in told["request_GET_items"]]
        return told
