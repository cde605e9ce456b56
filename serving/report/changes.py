"""Drops and spikes: periods, languages and groups whose share of a mood or a complaint is not that of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from model.labels import MOODS, Mood
from serving.report.content import FEWEST_TEXTS, LEVEL, SMALLEST, Finding, Findings, Kind, Measure
from serving.report.intervals import difference, share_of
from serving.report.rows import Ints
from serving.report.significance import Test, adjusted, compare
from serving.report.slots import ALL, TOPIC_SLOTS

_UNHAPPY: Final = (MOODS.index("dissatisfied"), MOODS.index("angry"))


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of a dimension and its counts, shape (moods, slots); slices of time stand in order."""

    value: str | None
    counts: Ints


@dataclass(frozen=True, slots=True)
class Dimension:
    """Slices that share out the same texts, which `whole` counts; it may hold more than they do together.

    `elsewhere` is what the rest is called. `run_name` names slices in a row, where that means something.
    """

    kind: Kind
    column: str
    elsewhere: str
    slices: Sequence[Slice]
    whole: Ints
    run_name: Callable[[int, int], str] | None = None


class _Share(NamedTuple):
    """What is compared: the texts of a mood, or unhappy ones about a topic, in a slot; `number` puts them in order."""

    number: int
    mood: Mood | None
    topic: str | None
    slot: int


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison."""

    dimension: int
    at: int
    measure: _Share
    p_value: float
    test: Test
    gap: float


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Slices `first` to `last` that differ the same way in a measure; `holding` of them do so by themselves.

    `gap` and `p_value` are those of all of them together against all others, and only put them in order;
    `least_sure` is the largest corrected p-value of those that hold, and its test.
    """

    first: int
    last: int
    measure: _Share
    count: int
    of: int
    gap: float
    p_value: float
    least_sure: tuple[float, Test]
    holding: int


# Neutral texts are what the other moods leave over: a look at them would tell nothing new.
_MOOD_MEASURES: Final = tuple(mood for mood in MOODS if mood != "neutral")


def _shares(slots: Mapping[str, int]) -> list[_Share]:
    moods = [_Share(number, mood, None, ALL) for number, mood in enumerate(_MOOD_MEASURES)]
    topics = [_Share(number, None, topic, slot) for number, (topic, slot) in enumerate(slots.items(), start=len(moods))]
    return moods + topics


def _count(counts: Ints, measure: _Share) -> int:
    moods = _UNHAPPY if measure.mood is None else (MOODS.index(measure.mood),)
    return int(counts[moods, measure.slot].sum())


def find_changes(dimensions: Sequence[Dimension], slots: Mapping[str, int] = TOPIC_SLOTS) -> Findings:
    """Compare each slice with the others of its dimension in every measure, and keep what holds.

    `slots` names the topics that are compared.

    All comparisons are corrected together. Of those that hold, the ones under SMALLEST are left out. Periods in
    a row that differ the same way are one stretch, and so are those between them that lean the same way. Then
    stretches that only mirror others go: where one slice is high, the rest of the others is high too, and each
    looks low. Sorted by how many texts a finding is about.
    """
    shares = _shares(slots)
    looks = [look for number, dimension in enumerate(dimensions) for look in _looks(number, dimension, shares)]
    corrected = adjusted([look.p_value for look in looks])
    held: list[list[tuple[_Look, float]]] = [[] for _ in dimensions]
    for look, p_value in zip(looks, corrected, strict=True):
        if p_value <= LEVEL and abs(look.gap) >= SMALLEST:
            held[look.dimension].append((look, p_value))
    found = [
        finding
        for dimension, pairs in zip(dimensions, held, strict=True)
        for finding in _findings(dimension, _own(dimension, _stretches(dimension, pairs)))
    ]
    compared: dict[Kind, int] = {}
    for dimension in dimensions:
        if len(dimension.slices) > 1:
            able = sum(_comparable(dimension, part) for part in dimension.slices)
            compared[dimension.kind] = compared.get(dimension.kind, 0) + able
    return Findings(len(looks), compared, tuple(sorted(found, key=lambda finding: -_weight(finding.measures[0]))))


def _comparable(dimension: Dimension, part: Slice) -> bool:
    of = _texts(part.counts)
    return min(of, _texts(dimension.whole) - of) >= FEWEST_TEXTS


def _texts(counts: Ints) -> int:
    return int(counts[:, ALL].sum())


def _looks(number: int, dimension: Dimension, shares: Sequence[_Share]) -> Iterable[_Look]:
    whole = dimension.whole
    total = _texts(whole)
    for at, part in enumerate(dimension.slices):
        if not _comparable(dimension, part):
            continue
        of = _texts(part.counts)
        for measure in shares:
            count, everywhere = _count(part.counts, measure), _count(whole, measure)
            if 0 < everywhere < total:
                p_value, test = compare(count, of, everywhere - count, total - of)
                gap = count / of - (everywhere - count) / (total - of)
                yield _Look(number, at, measure, p_value, test, gap)


def _stretches(dimension: Dimension, held: list[tuple[_Look, float]]) -> list[_Stretch]:
    found = []
    key = _measure_and_direction
    for (measure, up), group in groupby(sorted(held, key=key), key=key):
        runs: list[list[tuple[_Look, float]]] = []
        for pair in group:
            if runs and _connected(dimension, measure, up, runs[-1][-1][0].at, pair[0].at):
                runs[-1].append(pair)
            else:
                runs.append([pair])
        found += [_stretch(dimension, measure, run) for run in runs]
    return found


def _measure_and_direction(pair: tuple[_Look, float]) -> tuple[_Share, bool]:
    return pair[0].measure, pair[0].gap > 0


def _connected(dimension: Dimension, measure: _Share, up: bool, before: int, after: int) -> bool:
    """Whether all between two periods lean as they do: chance alone must not cut a lasting change to pieces."""
    if dimension.run_name is None:
        return False
    count, of = _count(dimension.whole, measure), _texts(dimension.whole)
    between = [part.counts for part in dimension.slices[before + 1 : after]]
    return all(not _texts(here) or (_count(here, measure) * of > count * _texts(here)) == up for here in between)


def _stretch(dimension: Dimension, measure: _Share, run: list[tuple[_Look, float]]) -> _Stretch:
    first, last = run[0][0].at, run[-1][0].at
    parts = [part.counts for part in dimension.slices[first : last + 1]]
    count, of = sum(_count(part, measure) for part in parts), sum(map(_texts, parts))
    others = _count(dimension.whole, measure) - count
    of_others = _texts(dimension.whole) - of
    return _Stretch(
        first=first,
        last=last,
        measure=measure,
        count=count,
        of=of,
        gap=count / of - others / of_others,
        # Mirror images have one p-value, but for rounding in Fisher's test.
        p_value=float(f"{compare(count, of, others, of_others)[0]:.9g}"),
        least_sure=max(((p_value, look.test) for look, p_value in run), key=lambda pair: pair[0]),
        holding=len(run),
    )


def _own(dimension: Dimension, stretches: list[_Stretch]) -> list[_Stretch]:
    """Without those that no longer hold once others that stand out the other way, and more clearly, are set aside."""
    kept: list[_Stretch] = []
    told: dict[tuple[_Share, bool], tuple[int, int]] = {}  # texts counted, of how many, in what is kept
    total = _texts(dimension.whole)
    for stretch in sorted(stretches, key=lambda each: _rank(dimension, each)):
        measure, up = stretch.measure, stretch.gap > 0
        opposite, of_opposite = told.get((measure, not up), (0, 0))
        rest = _count(dimension.whole, measure) - stretch.count - opposite
        if _still_differs(stretch, rest, total - stretch.of - of_opposite, mirrored=of_opposite > 0):
            kept.append(stretch)
            count, of = told.get((measure, up), (0, 0))
            told[measure, up] = count + stretch.count, of + stretch.of
    return sorted(kept, key=lambda each: (each.measure, each.first))


def _rank(dimension: Dimension, stretch: _Stretch) -> tuple[float, float, bool, int, float, int]:
    """The clearest first; of two that mirror each other a named one, the smaller, the unhappier, the later."""
    counts = [part.counts for part in dimension.slices[stretch.first : stretch.last + 1]]
    unhappy = sum(int(here[_UNHAPPY, ALL].sum()) for here in counts) / stretch.of
    nameless = dimension.slices[stretch.first].value is None
    return stretch.p_value, -abs(stretch.gap), nameless, stretch.of, -unhappy, -stretch.first


def _still_differs(stretch: _Stretch, rest: int, of_rest: int, *, mirrored: bool) -> bool:
    if of_rest < FEWEST_TEXTS:
        return not mirrored  # what is told of all the others tells this too
    gap = stretch.count / stretch.of - rest / of_rest
    if gap * stretch.gap <= 0 or abs(gap) < SMALLEST:
        return False
    if not 0 < stretch.count + rest < stretch.of + of_rest:
        return False
    return compare(stretch.count, stretch.of, rest, of_rest)[0] <= LEVEL


def _findings(dimension: Dimension, stretches: list[_Stretch]) -> list[Finding]:
    """Measures that hold for the same slices become one finding."""
    by_place: dict[tuple[int, int], list[_Stretch]] = {}
    for stretch in stretches:
        by_place.setdefault((stretch.first, stretch.last), []).append(stretch)
    return [_finding(dimension, first, last, found) for (first, last), found in by_place.items()]


def _finding(dimension: Dimension, first: int, last: int, stretches: list[_Stretch]) -> Finding:
    whole = dimension.whole
    here = sum((part.counts for part in dimension.slices[first : last + 1]), start=np.zeros_like(whole))
    told = sorted((_measure(here, whole - here, each) for each in stretches), key=_weight, reverse=True)
    value = dimension.slices[first].value if dimension.run_name is None else dimension.run_name(first, last)
    return Finding(dimension.kind, dimension.column, value, dimension.elsewhere, tuple(told))


def _measure(here: Ints, elsewhere: Ints, stretch: _Stretch) -> Measure:
    mood, topic = stretch.measure.mood, stretch.measure.topic
    one = share_of(_count(here, stretch.measure), _texts(here))
    other = share_of(_count(elsewhere, stretch.measure), _texts(elsewhere))
    return Measure(mood, topic, one, other, difference(one, other), *stretch.least_sure, stretch.holding)


def _weight(measure: Measure) -> float:
    """How many texts more or fewer there are than if the slice were like the others."""
    return abs(measure.difference[0]) * measure.here.of


def shaped(cells: Ints) -> Ints:
    """Counts of a line of a table as (moods, slots)."""
    return cells.reshape(-1, len(MOODS)).T
