"""What `data` raises on purpose; the message says which source, which line and how to mend it."""

from __future__ import annotations


class SourceError(Exception):
    """A source of labelled feedback is missing, unreadable or not in the row format."""
