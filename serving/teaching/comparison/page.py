"""A comparison as one HTML page that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from model.labels import MOODS
from serving.document.page import render
from serving.teaching.comparison import words
from serving.teaching.comparison.content import Comparison

_FOLDER: Final = Path(__file__).parent


def as_page(comparison: Comparison) -> str:
    """The page. Everything but its own style is escaped where it is put in."""
    return render(_FOLDER, c=comparison, w=words, moods=MOODS)
