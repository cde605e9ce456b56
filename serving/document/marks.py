"""Marks around values of the data in a sentence; each form isolates what stands between them in its own way."""

from __future__ import annotations

import re
from typing import Final

OPEN: Final = "\u2068"
CLOSE: Final = "\u2069"
"""First strong isolate and its end. `plain` takes both out of values, so nothing in a value can end it."""

MARKED: Final = re.compile(f"{OPEN}(.*?){CLOSE}", re.DOTALL)


def unmarked(sentence: str) -> str:
    """A sentence without the marks."""
    return sentence.replace(OPEN, "").replace(CLOSE, "")
