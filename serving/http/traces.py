"""What may be told of an exception: its type and its places in the code, never its message, which may quote a text."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

_INNERMOST_FRAMES: Final = 8
_MOST_CAUSES: Final = 4


def trace(error: BaseException) -> str:
    """One line for a log."""
    told = [_one(error)]
    # Not without an end: an exception may be its own cause, by way of others.
    while (cause := error.__cause__ or error.__context__) and len(told) <= _MOST_CAUSES:
        error = cause
        told.append(_one(error))
    return " after ".join(told)


def _one(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST_FRAMES:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"
