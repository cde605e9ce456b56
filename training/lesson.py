"""What there is to learn in somebody's own labels, and what is wrong where there is too little."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from data.rows import FeedbackRow
from model.errors import InputError
from model.labels import MAX_OWN_TOPICS, MOODS, TOPICS
from training.sides import Sides
from training.targets import moods_are_told
from training.topic_examples import MIN_EXAMPLES
from training.topic_names import faults as name_faults

MIN_TRAIN = 32
"""Texts to learn from: with fewer, one epoch is a single step."""

MIN_VALIDATION = 10
"""Texts to stop by: with fewer, one text decides which epoch is best."""

_LISTED = 10

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows of three sides, the topics that the adapted weights will have, in order, and those new among them."""

    sides: Sides
    topics: tuple[str, ...]
    new_topics: tuple[str, ...]


def make_lesson(sides: Sides, known: Sequence[str], say: Say) -> Lesson:
    """Checks what was divided; `known` are the topics of the weights to begin with.

    Raises:
        InputError: There are too few texts, nothing differs between them, or a topic cannot be learned.
    """
    _check_texts(sides)
    _check_sizes(sides)
    new = _new_topics(sides.all, known, say)
    sides = _without_one_mood(sides, say)
    _check_sizes(sides)
    _say_missing_moods(sides, say)
    return Lesson(sides, (*known, *new), new)


def _check_texts(sides: Sides) -> None:
    texts = sides.all
    if not texts:
        raise InputError("there is no labelled text; give a file with texts and their moods or topics")
    if len(texts) == 1:
        raise InputError(f"all {sides.repeated + 1:,} rows have the same text; is it the right column of texts?")
    if not sides.train:
        raise InputError(
            "no text is left to learn from: every row's split is validation or test; mark some as train, or leave the "
            "split out"
        )


def _check_sizes(sides: Sides) -> None:
    if len(sides.train) >= MIN_TRAIN and len(sides.validation) >= MIN_VALIDATION:
        return
    raise InputError(
        f"{len(sides.all):,} different labelled texts are too few: {len(sides.train):,} are there to learn from and "
        f"{len(sides.validation):,} to stop by, and {MIN_TRAIN} and {MIN_VALIDATION} are needed; about 100 in all "
        "where no split is named. For topics alone, rida topics fit needs only a few texts each"
    )


def _without_one_mood(sides: Sides, say: Say) -> Sides:
    """The sides without moods where only one is taught: all that could be learned is to say it always.

    Raises:
        InputError: There are no topics to learn either.
    """
    classes = {row.label for row in sides.train if row.sentiment is not None or row.angry is not None}
    if len(classes) != 1:
        return sides
    (only,) = classes
    if not any(row.topics for row in sides.train):
        raise InputError(
            f"every text to learn from is {only!r}; nothing can be learned without texts of another mood, or topics"
        )
    say(f"Every text to learn from is {only!r}, so moods are not learned, only topics.")

    def topics_of(rows: Sequence[FeedbackRow]) -> list[FeedbackRow]:
        return [replace(row, sentiment=None, angry=None) for row in rows if row.topics is not None]

    return replace(
        sides, train=topics_of(sides.train), validation=topics_of(sides.validation), test=topics_of(sides.test)
    )


def _say_missing_moods(sides: Sides, say: Say) -> None:
    there = {row.mood for row in sides.train if row.mood is not None}
    missing = [mood for mood in MOODS if mood not in there]
    if not moods_are_told(sides.train):
        say("Most unhappy texts do not say whether they are angry: that is told apart as the weights know it.")
        missing = [mood for mood in missing if mood in ("satisfied", "neutral")]
    if there and missing:
        say(
            f"No text to learn from is {' or '.join(missing)}: of that the weights keep what they knew, as far as "
            "rehearsal goes."
        )


def _new_topics(rows: Sequence[FeedbackRow], known: Sequence[str], say: Say) -> tuple[str, ...]:
    """The topics that the weights do not know yet, in alphabetical order."""
    counts = Counter(topic for row in rows for topic in row.topics or ())
    new = sorted(set(counts) - set(known))
    if not new:
        return ()
    own = len(known) - len(TOPICS) + len(new)
    if own > MAX_OWN_TOPICS:
        raise InputError(
            f"{len(new):,} topics are not among those of the weights, which would have {own:,} own ones then; "
            f"{MAX_OWN_TOPICS} are the most. Is it the right column of topics? Several of one text are joined with ;"
        )
    faults = [*name_faults(new, [*known, *new]), *_too_rare(new, counts), *_without_others(new, rows)]
    if faults:
        rest = len(faults) - _LISTED
        more = [f"and {rest:,} more topics"] if rest > 0 else []
        raise InputError("; ".join([*faults[:_LISTED], *more]))
    for name in new:
        near = difflib.get_close_matches(name, [*known, *(other for other in new if other < name)], n=1, cutoff=0.8)
        if near:
            say(f"Topic {name!r} is new and looks like {near[0]!r}: if both are one, say so in [topics] of --labels.")
    return tuple(new)


def _too_rare(new: Sequence[str], counts: Counter[str]) -> Iterator[str]:
    for name in new:
        if counts[name] < MIN_EXAMPLES:
            texts = f"{counts[name]} texts" if counts[name] > 1 else "1 text"
            yield (
                f"the topic {name[:60]!r} has {texts}, and a new topic needs {MIN_EXAMPLES}: label more, or leave it "
                f'out with "" in [topics] of --labels TOML'
            )


def _without_others(new: Sequence[str], rows: Sequence[FeedbackRow]) -> Iterator[str]:
    labelled = [row for row in rows if row.topics is not None]
    for name in new:
        if all(name in (row.topics or ()) for row in labelled):
            yield f"every text has the topic {name!r}: give texts without it too"
