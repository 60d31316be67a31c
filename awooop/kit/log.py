"""Structured logs: one JSON line an event, with the project and request it belongs to.

Whatever a line says, and whoever wrote it, is redacted as the last thing before it is spelled.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from awooop.kit import tenancy
from awooop.kit.redaction import redact

WITHHELD = "log_line_withheld"
_OURS = ("awooop", "runs", "contracts", "gateway", "approvals", "channels_hub")


def _whose(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (project := tenancy.current_project()) is not None:
        event.setdefault("project_id", project)
    return event


def _plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn says everything twice
    if event["_record"].name.startswith("django.security."):
        event.pop("exc_info", None)  # somebody was refused, nothing failed
    return event


def _redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    cleaned: Any = redact(event)
    if isinstance(cleaned, dict):
        return cleaned
    raise ValueError("the event could not be read")


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    _whose,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Spells events without secrets; one that cannot be read becomes a line that only says so."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record; never raises, never tells what it could not redact."""
        try:
            return super().format(record)
        except Exception as reason:  # noqa: BLE001 - foreign arguments raise anything
            told = {"event": WITHHELD, "reason": type(reason).__name__, "level": record.levelname}
            return json.dumps({**told, "line": f"{record.module}:{record.lineno}"})


class Discreet:
    """A text stream that redacts what is written to it: errors of commands echo their arguments."""

    def __init__(self, stream: TextIO) -> None:
        """Stand before a stream."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        return self._stream.write(redact(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts without their secrets."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def configure(*, json_lines: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING for the same output.

    :param json_lines: JSON for machines, or coloured text for a developer's terminal.
    """
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_spelled)
        if json_lines
        else structlog.dev.ConsoleRenderer()
    )
    formatter = {
        "()": Formatter,
        "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), _plain, *_SHARED],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redacted,
            renderer,
        ],
    }
    loud = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": dict.fromkeys((*_OURS, "django", "django.server"), loud),
    }


def guard() -> None:
    """Bind this process: the handlers that others set up before us, and what nobody caught.

    A server configures its loggers before it loads us. Where they write stays as it is, and what is
    silent stays silent.
    """
    formatter = logging.getLogger().handlers[0].formatter if logging.getLogger().handlers else None
    if isinstance(formatter, Formatter):
        for logger in [*logging.root.manager.loggerDict.values()]:
            for handler in getattr(logger, "handlers", ()):
                if isinstance(handler, logging.StreamHandler):
                    handler.setFormatter(formatter)
    logging.raiseExceptions = False  # else a line that cannot be written is shown as it came
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread


def _spelled(event: EventDict, **_: Any) -> str:
    try:
        return json.dumps(event, default=str, allow_nan=False)
    except ValueError:  # JSON has no word for what is not a number
        return json.dumps(json.loads(json.dumps(event, default=str), parse_constant=str))


def _uncaught(
    kind: type[BaseException], reason: BaseException, trace: TracebackType | None
) -> None:
    told = "".join(traceback.format_exception(kind, reason, trace))
    sys.stderr.write(redact(told))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
