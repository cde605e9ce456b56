"""How many cores there are to score with."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows, where every core is usable
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
