"""Texts written a second time without diacritics, as people type them on a phone in a hurry."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from data.rows import FeedbackRow

NAME = "unmarked"
"""What the rows without diacritics name as their source."""

_LETTERS_OF_THEIR_OWN = str.maketrans({"đ": "d", "Đ": "D"})


def without_marks(text: str) -> str:
    """The text in plain letters: `dịch vụ quá tệ` becomes `dich vu qua te`."""
    decomposed = unicodedata.normalize("NFD", text.translate(_LETTERS_OF_THEIR_OWN))
    return unicodedata.normalize("NFC", "".join(mark for mark in decomposed if not unicodedata.combining(mark)))


def unmarked_rows(rows: Iterable[FeedbackRow], languages: Sequence[str]) -> Iterator[FeedbackRow]:
    """Yields the rows of some languages that were annotated with a mood, without diacritics, where they had any."""
    for row in rows:
        if row.lang in languages and row.mood is not None and row.angry is not None:
            plain = without_marks(row.text)
            if plain != row.text:
                yield replace(row, text=plain, source=NAME, origin=row.origin or row.source)
