"""What labelled rows say, as two sets of weights are held against it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from data.rows import FeedbackRow
from training.targets import Classes, anger_targets, mood_targets, satisfaction_targets, topic_targets


@dataclass(frozen=True, slots=True)
class Gold:
    """Labels as class numbers, UNKNOWN where a row does not say; of topics (rows, `topics`). `strange` are topics that
    rows name and neither weights know.
    """

    moods: Classes
    satisfaction: Classes
    angry: Classes
    topics: tuple[str, ...]
    found: Classes
    strange: tuple[str, ...]


def gold_of(rows: Sequence[FeedbackRow], known: Collection[str]) -> Gold:
    """The labels of rows. Of topics, those `known` to either weights alone: a column that is none of topics may name
    as many as there are rows.
    """
    # Rows of a file share what they cover, which may be long.
    covered = {id(row.topics_covered): row.topics_covered for row in rows if row.topics is not None}
    named = {name for row in rows for name in row.topics or ()}.union(*(names or () for names in covered.values()))
    names = tuple(sorted(named & set(known)))
    of_known = {which: tuple(sorted(set(said or ()) & set(names))) for which, said in covered.items()}

    def shortened(row: FeedbackRow) -> FeedbackRow:
        if row.topics is None:
            return row
        there = None if row.topics_covered is None else of_known[id(row.topics_covered)]
        return replace(row, topics=tuple(name for name in row.topics if name in names), topics_covered=there)

    found = topic_targets([shortened(row) for row in rows], names)
    return Gold(
        mood_targets(rows), satisfaction_targets(rows), anger_targets(rows), names, found,
        strange=tuple(sorted(named - set(names))),
    )  # fmt: skip
