"""What may be told of an exception: its type and its places in the code, never its message, which may quote a text."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

_INNERMOST_FRAMES: Final = 8


def trace(error: BaseException) -> str:
    """One line for a log."""
    frames = traceback.extract_tb(error.__traceback__)[-_INNERMOST_FRAMES:]
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {places}" + (f" after {trace(cause)}" if cause else "")
