"""Structured logs: one JSON line an event, with the project and request it belongs to."""

import logging
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from awooop.kit import tenancy


def _whose(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if (project := tenancy.current_project()) is not None:
        event.setdefault("project_id", project)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    _whose,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


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
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer()
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            name: {"handlers": ["stderr"], "level": "INFO", "propagate": False}
            for name in ("awooop", "runs", "contracts", "gateway", "approvals", "channels_hub")
        },
    }
