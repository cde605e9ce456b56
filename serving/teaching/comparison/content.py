"""What a comparison says, in plain values; the page, Markdown and JSON are three ways to show it.

The first weights are called A and are in use; the second are called B and may take their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.labels import Mood
from serving.report.intervals import Share
from training.changed_answers import Changes
from training.side_by_side import Measured, SideBySide


@dataclass(frozen=True, slots=True)
class Weights:
    """One of the two."""

    folder: str
    name: str
    version: str
    sha256: str
    own_topics: tuple[str, ...]
    megabytes: float
    texts_per_second: float


@dataclass(frozen=True, slots=True)
class Unscored:
    """Texts that A, B or both could not score; they are not compared."""

    first: int
    second: int
    both: int


@dataclass(frozen=True, slots=True)
class LanguagePart:
    """The texts of one language; `name` None where it is not known."""

    name: str | None
    changed: Share
    measured: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A text to which the two give different moods, with the probabilities of both moods by both weights."""

    text: str
    place: str
    id: str
    language: str | None
    label: Mood | None
    before: Mood
    after: Mood
    before_probability: float
    after_probability: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of a comparison."""

    first: Weights
    second: Weights
    alike: Literal["weights", "network"] | None
    """Whether all files are the same, or the network alone; only thresholds and calibration then differ."""
    sources: tuple[str, ...]
    rows: int
    unscored: Unscored
    repeated: int
    headline: tuple[str, ...]
    labelled: SideBySide | None
    changes: Changes
    moods_changed: Share
    languages: tuple[LanguagePart, ...]
    other_languages: int
    topics_of_one: tuple[tuple[str, ...], tuple[str, ...]]
    topics_of_none: tuple[str, ...]
    """Topics that the labels name and neither of the two knows."""
    texts: tuple[ChangedText, ...] | None
    """Those whose mood changes, the worst first; None where texts were left out."""
    notes: tuple[str, ...]
