"""Which rows are worth training on: labelled, legible, not repeated, and never in a held-out set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from data.rows import FeedbackRow

_NOT_WORD = re.compile(r"\W+")


def same_text_key(text: str) -> str:
    """What two texts share that differ only in case, spacing and punctuation."""
    return _NOT_WORD.sub(" ", text.casefold()).strip() or text.strip()


def says_something(row: FeedbackRow) -> bool:
    """Whether a row has text and at least one label that a head can learn from."""
    labelled = row.sentiment is not None or row.angry is not None or row.topics is not None
    return labelled and bool(row.text.strip())


def usable_for_training(
    rows: Iterable[FeedbackRow], allowed: Callable[[FeedbackRow], bool] = lambda row: True
) -> list[FeedbackRow]:
    """Keeps the allowed train rows that say something, once a source, and whose text no held-out row has.

    What is held out in a source that is not allowed is held out all the same.

    A text may stand in several sources with different labels (that is more supervision, not a
    repeat); within one source the first row wins.
    """
    rows = list(rows)
    held_out = {same_text_key(row.text) for row in rows if row.split != "train"}
    seen: set[tuple[str, str]] = set()
    kept = []
    for row in rows:
        if row.split != "train" or not allowed(row) or not says_something(row):
            continue
        key = same_text_key(row.text)
        if key in held_out or (row.source, key) in seen:
            continue
        seen.add((row.source, key))
        kept.append(row)
    return kept
