"""What a report says, in plain values; the page, Markdown and JSON are three ways to show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from model.labels import Mood
from serving.report.intervals import Share
from serving.report.periods import Unit
from serving.report.sample import Example
from serving.report.significance import Test

FEWEST_TEXTS: Final = 30
"""Texts that a slice, and all others together, must have to be compared."""
LEVEL: Final = 0.05
"""The false discovery rate: of what is reported, at most this share is chance."""
SMALLEST: Final = 0.02
"""The smallest difference worth telling: two texts in a hundred."""
MOST_TOPICS: Final = 20
"""Topics in pictures and with examples, the most frequent; tables and JSON have all."""

Moods = dict[Mood, Share]
Kind = Literal["time", "language", "group"]


@dataclass(frozen=True, slots=True)
class TopicPart:
    """A topic: its share of all texts, the moods of its texts, and its share of the angry and of the other texts.

    `topic` None stands for the texts without any.
    """

    topic: str | None
    texts: Share
    moods: Moods
    of_angry: Share
    of_others: Share


@dataclass(frozen=True, slots=True)
class Part:
    """The moods of the texts with one value of a column; `value` None where the cell is empty."""

    value: str | None
    moods: Moods
    texts: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Moods by the values of a column, the most frequent first; `others` are the `other_values` not among `parts`."""

    kind: Literal["language", "group"]
    column: str
    parts: tuple[Part, ...]
    others: Part | None
    other_values: int
    more_than: bool
    """Whether there are more values than are counted apart, so that `other_values` is a lower bound."""


@dataclass(frozen=True, slots=True)
class Period:
    """The moods of the texts from the day `start` until before the day `end`."""

    start: date
    end: date
    name: str
    moods: Moods
    texts: int


@dataclass(frozen=True, slots=True)
class Time:
    """Periods without gaps between them, from the day `first` to the day `last`.

    `outside` texts lie so far from all others that they are left out.
    """

    column: str
    unit: Unit
    first: date
    last: date
    periods: tuple[Period, ...]
    dated: int
    missing: int
    bad: int
    outside: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One share in a slice of the texts against the same share in all others."""

    mood: Mood | None
    topic: str | None
    """With a topic, the share of texts that are dissatisfied or angry and speak of it."""
    here: Share
    elsewhere: Share
    difference: tuple[float, float, float]
    """In shares, with its 95 % interval."""
    p_value: float
    """Corrected; of periods in a row, the largest of those that differ by themselves, and the test is that one's."""
    test: Test
    largest_of: int
    """How many such periods there are; 1 for anything else."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A slice of the texts that differs from the others by more than chance, and in what, the largest first."""

    kind: Kind
    column: str
    value: str | None
    elsewhere: str
    """The others, in words that follow a number."""
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in how many comparisons."""

    looks: int
    compared: dict[Kind, int]
    """How many periods, languages and groups had texts enough to be compared; no key where there are none."""
    found: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure the model is: mean probability of the moods given, texts by it, and moods as probabilities add up."""

    mean: float
    bins: tuple[Share, ...]
    expected: dict[Mood, float]
    needs_review: Share
    needs_review_by_mood: Moods
    truncated: Share


@dataclass(frozen=True, slots=True)
class Report:
    """All of a report."""

    sources: tuple[str, ...]
    rows: int
    scored: int
    errors: dict[str, int]
    headline: tuple[str, ...]
    moods: Moods
    topics: tuple[TopicPart, ...]
    time: Time | None
    breakdowns: tuple[Breakdown, ...]
    findings: Findings
    examples: dict[str, tuple[Example, ...]] | None
    """By topic; None where texts were left out."""
    sureness: Sureness | None
    """None where no row could be scored."""
    notes: tuple[str, ...]
