"""How log lines look: lines to read, or JSON for machines; neither shows the message of an exception."""

from __future__ import annotations

import copy
import json
import logging
import os
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from serving.http.log_writer import LogWriter
from serving.http.traces import trace
from serving.settings import Settings

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _WithoutContent(logging.Formatter):
    """Exceptions quote what they choke on, so of those that libraries log only type and places are shown."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record, whatever another handler's formatter has left in it."""
        own = copy.copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 (the library's name)
        """Type and places of an exception."""
        return trace(ei[1]) if ei[1] else ""


class JsonLines(_WithoutContent):
    """One JSON object a line: time, level, logger, message, and the fields that the line was made of."""

    def format(self, record: logging.LogRecord) -> str:
        """Encode one record, as ASCII, which every collector reads."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


FORMATTERS: Final = {"text": _WithoutContent("%(asctime)s %(levelname)s %(message)s"), "json": JsonLines()}
"""By the value of the setting `log_format`."""


def log_to_stderr(settings: Settings) -> LogWriter:
    """Send all log lines of the process to stderr; to be closed at the end."""
    try:
        target = sys.stderr.fileno()
    except (AttributeError, OSError):
        # There is no stderr, or it is no file; its usual number may be a connection's by now.
        target = os.open(os.devnull, os.O_WRONLY)
    writer = LogWriter(target)
    writer.setFormatter(FORMATTERS[settings.log_format])
    logging.basicConfig(handlers=[writer], level=settings.log_level.upper())
    return writer
