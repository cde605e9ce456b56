"""The labels of rows as arrays of class numbers; UNKNOWN where a row does not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow
from model.errors import RecipeError
from model.labels import MOODS, TOPICS

UNKNOWN = -1
"""Target of a head that a row says nothing about; it gives no loss and no measurement."""

_SATISFACTION = {"satisfied": 0, "neutral": 1, "dissatisfied": 2}

Classes = npt.NDArray[np.int64]


def satisfaction_targets(rows: Sequence[FeedbackRow]) -> Classes:
    """Class of the satisfaction head, (rows,)."""
    return np.array([_SATISFACTION.get(row.sentiment or "", UNKNOWN) for row in rows], dtype=np.int64)


def anger_targets(rows: Sequence[FeedbackRow]) -> Classes:
    """0 or 1, (rows,)."""
    return np.array([UNKNOWN if row.angry is None else int(row.angry) for row in rows], dtype=np.int64)


def mood_targets(rows: Sequence[FeedbackRow]) -> Classes:
    """Position in MOODS, (rows,), where both satisfaction and anger were annotated."""
    return np.array(
        [MOODS.index(row.mood) if row.mood in MOODS and row.angry is not None else UNKNOWN for row in rows],
        dtype=np.int64,
    )


def moods_are_told(rows: Sequence[FeedbackRow]) -> bool:
    """Whether moods can be judged by these rows: most of the unhappy ones say if they are angry, as stars do not."""
    unhappy = satisfaction_targets(rows) == _SATISFACTION["dissatisfied"]
    told = unhappy & (anger_targets(rows) != UNKNOWN)
    return bool(told.sum() * 2 >= unhappy.sum())


def topic_targets(rows: Sequence[FeedbackRow], names: Sequence[str] = TOPICS) -> Classes:
    """0 or 1 for each topic of `names`, (rows, topics); UNKNOWN for topics that the row's source cannot label.

    Raises:
        RecipeError: a row names a topic that is not among `names`.
    """
    known = frozenset(names)
    return np.array([_topics(row, names, known) for row in rows], dtype=np.int64).reshape(len(rows), len(names))


def _topics(row: FeedbackRow, names: Sequence[str], known: frozenset[str]) -> list[int]:
    if row.topics is None:
        return [UNKNOWN] * len(names)
    if strange := set(row.topics) - known:
        raise RecipeError(f"{row.source}, row {row.id!r}: unknown topic {sorted(strange)}; use {', '.join(names)}")
    covered = _set(TOPICS if row.topics_covered is None else row.topics_covered)
    named = frozenset(row.topics)
    return [1 if topic in named else 0 if topic in covered else UNKNOWN for topic in names]


@lru_cache(maxsize=256)
def _set(names: tuple[str, ...]) -> frozenset[str]:
    # All rows of a source share theirs.
    return frozenset(names)
