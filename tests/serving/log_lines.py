"""What the server's log would hold."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager

from serving.http.logs import FORMATTERS


@contextmanager
def logged(log_format, *, without=()):
    """Everything that the process logs from here on, at any level, as the server would write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATTERS[log_format])
    handler.addFilter(lambda record: not record.name.startswith(without))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before)
