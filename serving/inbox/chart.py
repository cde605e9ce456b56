"""The trend as bars: where each stands in a drawing that is 100 high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from model.labels import MOODS, Mood

BAR: Final = 20
"""Width of a day, the gap with it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A mood's piece of a day's bar."""

    mood: Mood
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day, its numbers, and its bar from the bottom up."""

    name: str
    numbers: Mapping[Mood, int]
    parts: tuple[Part, ...]


def days_of(trend: Sequence[tuple[int, Mapping[Mood, int]]]) -> list[Day]:
    """One bar a day; the highest reaches the top."""
    highest = max((sum(numbers.values()) for _, numbers in trend), default=0) or 1
    return [
        Day(datetime.fromtimestamp(at / 1000, UTC).strftime("%d %b"), numbers, _bar(place * BAR, numbers, highest))
        for place, (at, numbers) in enumerate(trend)
    ]


def _bar(x: int, numbers: Mapping[Mood, int], highest: int) -> tuple[Part, ...]:
    parts, top = [], 100.0
    # Anger at the bottom, where heights can be compared.
    for mood in reversed(MOODS):
        height = round(100 * numbers[mood] / highest, 2)
        top -= height
        if height:
            parts.append(Part(mood, x, round(top, 2), height))
    return tuple(parts)
