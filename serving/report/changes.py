"""Drops and spikes: periods, languages and groups whose share of a mood or a complaint is not that of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

import numpy as np

from model.labels import MOODS, TOPICS, Mood
from serving.report.content import FEWEST_TEXTS, LEVEL, SMALLEST, Finding, Findings, Measure
from serving.report.intervals import difference, share_of
from serving.report.rows import ALL, SLOTS, Ints
from serving.report.significance import Test, adjusted, compare

_UNHAPPY: Final = (MOODS.index("dissatisfied"), MOODS.index("angry"))


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of a dimension and its counts, shape (moods, SLOTS); slices of time stand in order."""

    value: str | None
    counts: Ints


@dataclass(frozen=True, slots=True)
class Dimension:
    """Slices that share out the same texts, which `whole` counts; it may hold more than they do together.

    `elsewhere` is what the rest is called. `run_name` names slices in a row, where that means something.
    """

    kind: Literal["time", "language", "group"]
    column: str
    elsewhere: str
    slices: Sequence[Slice]
    whole: Ints
    run_name: Callable[[int, int], str] | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison; `measure` counts into _MEASURES."""

    dimension: int
    at: int
    measure: int
    p_value: float
    test: Test
    gap: float


# Neutral texts are what the other moods leave over: a look at them would tell nothing new.
_MOOD_MEASURES: Final = tuple(mood for mood in MOODS if mood != "neutral")
_MEASURES: Final[tuple[tuple[Mood | None, str | None], ...]] = (
    *((mood, None) for mood in _MOOD_MEASURES),
    *((None, topic) for topic in TOPICS),
)


def _count(counts: Ints, measure: int) -> int:
    mood, topic = _MEASURES[measure]
    if mood is not None:
        return int(counts[MOODS.index(mood), ALL])
    return int(counts[_UNHAPPY, 1 + TOPICS.index(str(topic))].sum())


def find_changes(dimensions: Sequence[Dimension]) -> Findings:
    """Compare each slice with the others of its dimension in every measure, and keep what holds.

    All comparisons are corrected together. Of those that hold, the ones under SMALLEST are left out, and those
    that only mirror another: where one slice is high, the rest of the others is high too, and each looks low.
    Periods in a row that differ the same way become one finding. Sorted by how many texts it is about.
    """
    looks = [look for number, dimension in enumerate(dimensions) for look in _looks(number, dimension)]
    corrected = adjusted([look.p_value for look in looks])
    held = [
        (look, p_value)
        for look, p_value in zip(looks, corrected, strict=True)
        if p_value <= LEVEL and abs(look.gap) >= SMALLEST
    ]
    found = [
        finding
        for number, dimension in enumerate(dimensions)
        for finding in _findings(dimension, _own(dimension, [pair for pair in held if pair[0].dimension == number]))
    ]
    return Findings(len(looks), tuple(sorted(found, key=lambda finding: -_weight(finding.measures[0]))))


def _looks(number: int, dimension: Dimension) -> Iterable[_Look]:
    whole = dimension.whole
    total = int(whole[:, ALL].sum())
    for at, part in enumerate(dimension.slices):
        of = int(part.counts[:, ALL].sum())
        if min(of, total - of) < FEWEST_TEXTS:
            continue
        for measure in range(len(_MEASURES)):
            count, everywhere = _count(part.counts, measure), _count(whole, measure)
            if 0 < everywhere < total:
                p_value, test = compare(count, of, everywhere - count, total - of)
                gap = count / of - (everywhere - count) / (total - of)
                yield _Look(number, at, measure, p_value, test, gap)


def _own(dimension: Dimension, held: list[tuple[_Look, float]]) -> list[tuple[_Look, float]]:
    """Without looks that no longer hold once slices that stand out the other way, and more clearly, are set aside."""
    kept: list[tuple[_Look, float]] = []
    for look, p_value in sorted(held, key=lambda pair: (pair[0].p_value, -abs(pair[0].gap))):
        opposite = [
            dimension.slices[other.at].counts
            for other, _ in kept
            if other.measure == look.measure and (other.gap > 0) != (look.gap > 0)
        ]
        here = dimension.slices[look.at].counts
        rest = dimension.whole - here - sum(opposite, start=np.zeros_like(here))
        if not opposite or _still_differs(look, here, rest):
            kept.append((look, p_value))
    return sorted(kept, key=lambda pair: pair[0].at)


def _still_differs(look: _Look, here: Ints, rest: Ints) -> bool:
    of, of_rest = int(here[:, ALL].sum()), int(rest[:, ALL].sum())
    if of_rest < FEWEST_TEXTS:
        return True  # the others all stand out the other way: two kinds of slices, and both are worth telling
    count, in_rest = _count(here, look.measure), _count(rest, look.measure)
    gap = count / of - in_rest / of_rest
    if gap * look.gap <= 0 or abs(gap) < SMALLEST:
        return False
    return compare(count, of, in_rest, of_rest)[0] <= LEVEL


def _findings(dimension: Dimension, held: list[tuple[_Look, float]]) -> list[Finding]:
    """Measures that hold for the same slices become one finding."""
    by_run: dict[tuple[int, int], list[tuple[int, float, Test]]] = {}
    key = _measure_and_direction
    for (measure, _), group in groupby(sorted(held, key=key), key=key):
        for run in _runs(list(group), together=dimension.run_name is not None):
            looks = [look for look, _ in run]
            place = (looks[0].at, looks[-1].at)
            # The run is as sure as its least sure period, each of which holds by itself.
            least = max(run, key=lambda pair: pair[1])
            by_run.setdefault(place, []).append((measure, least[1], least[0].test))
    return [_finding(dimension, first, last, measures) for (first, last), measures in by_run.items()]


def _measure_and_direction(pair: tuple[_Look, float]) -> tuple[int, bool]:
    return pair[0].measure, pair[0].gap > 0


def _runs(pairs: list[tuple[_Look, float]], *, together: bool) -> list[list[tuple[_Look, float]]]:
    runs: list[list[tuple[_Look, float]]] = []
    for pair in pairs:
        if together and runs and runs[-1][-1][0].at == pair[0].at - 1:
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def _finding(dimension: Dimension, first: int, last: int, measures: list[tuple[int, float, Test]]) -> Finding:
    whole = dimension.whole
    here = sum((part.counts for part in dimension.slices[first : last + 1]), start=np.zeros_like(whole))
    told = sorted((_measure(here, whole - here, *each) for each in measures), key=_weight, reverse=True)
    value = dimension.slices[first].value if dimension.run_name is None else dimension.run_name(first, last)
    return Finding(dimension.kind, dimension.column, value, dimension.elsewhere, tuple(told))


def _measure(here: Ints, elsewhere: Ints, measure: int, p_value: float, test: Test) -> Measure:
    mood, topic = _MEASURES[measure]
    one = share_of(_count(here, measure), int(here[:, ALL].sum()))
    other = share_of(_count(elsewhere, measure), int(elsewhere[:, ALL].sum()))
    return Measure(mood, topic, one, other, difference(one, other), p_value, test)


def _weight(measure: Measure) -> float:
    """How many texts more or fewer there are than if the slice were like the others."""
    return abs(measure.difference[0]) * measure.here.of


def shaped(cells: Ints) -> Ints:
    """Counts of a line of a table as (moods, SLOTS)."""
    return cells.reshape(len(MOODS), SLOTS)
