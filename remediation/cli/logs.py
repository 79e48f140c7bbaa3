"""Logs on stderr with structlog; loaded only when somebody asks for logs."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(style: str) -> None:
    """Write log events to stderr as ``console`` text or one ``json`` object a line."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def logger(**bound: Any) -> Any:
    """Return a logger with these values on every event."""
    return structlog.get_logger().bind(**bound)
