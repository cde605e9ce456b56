"""Which side of training a labelled text stands on: learned from, stopped and calibrated by, or measured on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from data.cleaning import same_text_key
from data.rows import FeedbackRow, Split

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.15
"""Where a file does not say: enough of a few hundred texts to learn from, and some to stop by and to measure on."""

_ORDER: tuple[Split, ...] = ("test", "validation", "train")
"""Of the sides that a repeated text stands on, the first keeps it: what was measured on may not be learned."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows of different texts, each on one side.

    `given` are the sides that the files name themselves. `repeated` counts the rows whose text stands in a row before,
    `contradicted` the texts whose rows do not agree, `moved` those that stood on two sides.
    """

    train: list[FeedbackRow]
    validation: list[FeedbackRow]
    test: list[FeedbackRow]
    given: tuple[Split, ...]
    repeated: int
    contradicted: int
    moved: int

    @property
    def all(self) -> list[FeedbackRow]:
        """The rows of all sides."""
        return [*self.train, *self.validation, *self.test]


def divide(rows: Sequence[FeedbackRow], splits: Sequence[Split | None]) -> Sides:
    """Puts each text on one side: that which its rows name, else one by a hash of the text.

    Texts are the same if they differ only in case, spacing and punctuation (`same_text_key`). A side that the files
    name is taken as it is; of the others, each gets its share of the rest. The hash is of the text alone, so that a
    file that grows leaves every text on its side.
    """
    given = tuple(side for side in _ORDER if side in splits)
    of_text: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        of_text.setdefault(same_text_key(row.text), []).append(at)
    sides: dict[Split, list[FeedbackRow]] = {side: [] for side in _ORDER}
    contradicted = moved = 0
    for key, positions in of_text.items():
        named = {split for at in positions if (split := splits[at]) is not None}
        moved += len(named) > 1
        side: Split = next((each for each in _ORDER if each in named), "train")
        if side == "train":
            side = _by_hash(key, given)
        merged, agree = _merged([rows[at] for at in positions])
        contradicted += not agree
        sides[side].append(replace(merged, split=side))
    return Sides(
        sides["train"], sides["validation"], sides["test"],
        given=given, repeated=len(rows) - len(of_text), contradicted=contradicted, moved=moved,
    )  # fmt: skip


def describe(sides: Sides, say: Callable[[str], None]) -> None:
    """Says how many texts stand on each side, and what was amiss."""
    if sides.repeated:
        said = f"{sides.repeated:,} rows repeat the text of a row before and count once"
        if sides.contradicted:
            said += (
                f"; {sides.contradicted:,} texts stand there with different moods, of which the first counts: "
                "rida data check shows them"
            )
        say(f"{said}.")
    if sides.moved:
        say(f"{sides.moved:,} texts stand in more than one split; they stay in test, else in validation, alone.")
    by_hash = [side for side in ("validation", "test") if side not in sides.given]
    how = f" ({' and '.join(by_hash)} chosen by a hash of the text)" if by_hash else ""
    say(
        f"{len(sides.train):,} texts to learn from, {len(sides.validation):,} to stop and calibrate by, "
        f"{len(sides.test):,} to measure on{how}."
    )


def _by_hash(key: str, given: Sequence[Split]) -> Split:
    bucket = int.from_bytes(hashlib.sha256(key.encode(errors="replace")).digest()[:4]) / 2**32
    if bucket < TEST_SHARE:
        return "train" if "test" in given else "test"
    if bucket < TEST_SHARE + VALIDATION_SHARE and "validation" not in given:
        return "validation"
    return "train"


def _merged(rows: Sequence[FeedbackRow]) -> tuple[FeedbackRow, bool]:
    """One row of those of a text, whose moods may stand in one file and topics in another; whether they agree."""
    moods = [(row.sentiment, row.angry) for row in rows if row.sentiment is not None or row.angry is not None]
    topics = [row.topics for row in rows if row.topics is not None]
    sentiment, angry = moods[0] if moods else (None, None)
    # One row for each topic of a text is a common way to keep them.
    union = tuple(dict.fromkeys(topic for named in topics for topic in named))
    merged = replace(rows[0], sentiment=sentiment, angry=angry, topics=union if topics else None)
    if topics:
        covered = [row.topics_covered for row in rows if row.topics is not None]
        known = [each for each in covered if each is not None]
        # None is all topics, and so is what it is joined with.
        joined = tuple(dict.fromkeys(topic for each in known for topic in each)) if len(known) == len(covered) else None
        merged = replace(merged, topics_covered=joined)
    return merged, _alike(moods)


def _alike(values: Iterable[object]) -> bool:
    listed = list(values)
    return all(each == listed[0] for each in listed)
