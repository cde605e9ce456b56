"""Two sets of weights on the same labelled rows: each measure of both, and what the rows say of the difference.

Not to be confused with `training.comparison`, which holds an export against the network that it was made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, norm
from sklearn.metrics import confusion_matrix

from model.labels import MOODS
from training.gold import Gold
from training.measures import FALSE_ALARM_RATE, calibration_error, decided_satisfaction
from training.paired import MIN_ROWS, Interval, macro_f1, micro_f1, paired_difference
from training.reading import Reading
from training.targets import UNKNOWN, Classes

Head = Literal["mood", "satisfaction", "angry", "topics"]
Verdict = Literal["better", "worse", "the same", "not enough data to tell"]

FALSE_DISCOVERY_RATE = 0.05
"""Of the differences called real, at most this share is chance, however many were looked at."""

_ANGRY, _DISSATISFIED, _NEUTRAL = (MOODS.index(mood) for mood in ("angry", "dissatisfied", "neutral"))


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of both weights, from 0 to 1, on `texts` rows; None where the weights do not know the topic.

    `difference` is the second minus the first. `verdict` is on the second, with all looks accounted for.
    """

    head: Head
    measure: str
    texts: int
    first: float | None
    second: float | None
    difference: Interval | None
    topic: str | None = None
    less_is_better: bool = False
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """All measures over all rows and by language; confusion of moods by label and mood given, (4, 4) of each; `looks`
    counts the differences looked at.
    """

    measured: tuple[Measured, ...]
    languages: dict[str, tuple[Measured, ...]]
    confusion: tuple[list[list[int]], list[list[int]]] | None
    unhappy_only: int
    """Rows whose label says dissatisfied or angry, and not which."""
    looks: int


def side_by_side(gold: Gold, languages: Sequence[str | None], first: Reading, second: Reading) -> SideBySide:
    """Measures both readings of all rows, and of those of each language; `languages` (rows,) has None for others."""
    everything = np.arange(len(gold.moods))
    overall = _measured(gold, everything, first, second)
    groups: dict[str, list[int]] = {}
    for at, language in enumerate(languages):
        if language is not None:
            groups.setdefault(language, []).append(at)
    by_language = {name: _headlines(gold, np.array(at), first, second) for name, at in groups.items()}
    judged = _judged([*overall, *(each for found in by_language.values() for each in found)])
    rest = iter(judged[len(overall) :])
    return SideBySide(
        measured=tuple(judged[: len(overall)]),
        languages={name: tuple(next(rest) for _ in found) for name, found in by_language.items()},
        confusion=_confusion(gold, first, second),
        unhappy_only=int(np.sum((gold.satisfaction != UNKNOWN) & (gold.moods == UNKNOWN))),
        looks=sum(map(_is_looked_at, judged)),
    )


def _measured(gold: Gold, at: npt.NDArray[np.int64], first: Reading, second: Reading) -> list[Measured]:
    measured = _headlines(gold, at, first, second)
    measured += _angry(gold, first, second)
    if (known := _known_moods(gold, at)).size:
        there = gold.moods[known]
        said = [[each.moods[known], each.decided[known]] for each in (first, second)]
        measured += [
            _compared("mood", "accuracy", lambda gold, _, said: float(np.mean(gold == said)), there, *said),
            _compared(
                "mood", "calibration_error", lambda gold, moods, said: calibration_error(moods, gold, said),
                there, *said, less_is_better=True,
            ),
        ]  # fmt: skip
    return measured + _each_topic(gold, first, second)


def _headlines(gold: Gold, at: npt.NDArray[np.int64], first: Reading, second: Reading) -> list[Measured]:
    """What one reads first: mood, or satisfaction where no more is labelled, and topics."""
    measured: list[Measured] = []
    both = (first, second)
    if (known := _known_moods(gold, at)).size:
        there = gold.moods[known]
        present = np.unique(there)
        decided = [[each.decided[known]] for each in both]
        measured.append(
            _compared("mood", "macro_f1", lambda gold, said: macro_f1(gold, said, present), there, *decided)
        )
    if _is_coarse(gold, at):
        known = at[gold.satisfaction[at] != UNKNOWN]
        there = gold.satisfaction[known]
        present = np.unique(there)
        two_way = _NEUTRAL not in present  # neutral is second in both
        said = [[decided_satisfaction(each.moods[known], two_way=two_way)] for each in both]
        measured.append(
            _compared("satisfaction", "macro_f1", lambda gold, said: macro_f1(gold, said, present), there, *said)
        )
    shared = tuple(name for name in gold.topics if name in first.topics and name in second.topics)
    if shared:
        labels = gold.found[:, [gold.topics.index(name) for name in shared]]
        known = at[(labels[at] != UNKNOWN).any(axis=1)]
        if known.size:
            said_topics = [[each.found_of(shared)[known]] for each in both]
            measured.append(_compared("topics", "micro_f1", micro_f1, labels[known], *said_topics))
    return measured


def _known_moods(gold: Gold, at: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows with a mood; none where labels never say which unhappy mood it is: the rest would be half a measure."""
    known: npt.NDArray[np.int64] = at[gold.moods[at] != UNKNOWN]
    if _is_coarse(gold, at) and not np.isin(gold.moods[known], (_DISSATISFIED, _ANGRY)).any():
        return known[:0]
    return known


def _is_coarse(gold: Gold, at: npt.NDArray[np.int64]) -> bool:
    return bool(np.any((gold.satisfaction[at] != UNKNOWN) & (gold.moods[at] == UNKNOWN)))


def _angry(gold: Gold, first: Reading, second: Reading) -> list[Measured]:
    known = gold.angry != UNKNOWN
    there = gold.angry[known]
    few = min(int(there.sum()), int((there == 0).sum()))
    if not few:
        return []
    both = (first, second)
    # Ranks serve as well as scores, and need no sorting in each of thousands of draws.
    ranks = [[np.unique(each.moods[known, _ANGRY], return_inverse=True)[1]] for each in both]
    alarms = [[each.decided[known] == _ANGRY] for each in both]
    return [
        _compared("angry", "average_precision", average_precision, there, *ranks, few=few),
        _compared("angry", "recall_at_5_percent_false_alarms", recall_at_few_false_alarms, there, *ranks, few=few),
        _compared("angry", "recall_at_threshold", lambda gold, said: _share(said[gold == 1]), there, *alarms, few=few),
        _compared(
            "angry", "false_alarms_at_threshold", lambda gold, said: _share(said[gold == 0]), there, *alarms,
            few=few, less_is_better=True,
        ),
    ]  # fmt: skip


def _each_topic(gold: Gold, first: Reading, second: Reading) -> list[Measured]:
    measured: list[Measured] = []
    for at, name in enumerate(gold.topics):
        known = gold.found[:, at] != UNKNOWN
        there = gold.found[known, at]
        knowing = [name in each.topics for each in (first, second)]
        if not (there == 1).any() or not any(knowing):
            continue
        said = [each.found_of((name,))[known, 0] if name in each.topics else None for each in (first, second)]
        if all(knowing):
            found = _compared("topics", "f1", micro_f1, there, [said[0]], [said[1]], few=int(there.sum()))
        else:
            f1 = [None if each is None else micro_f1(there, each) for each in said]
            found = Measured("topics", "f1", int(known.sum()), f1[0], f1[1], None)
        measured.append(replace(found, topic=name))
    return measured


def _compared(
    head: Head,
    measure: str,
    statistic: Callable[..., float],
    gold: Any,
    first: list[Any],
    second: list[Any],
    *,
    few: int | None = None,
    less_is_better: bool = False,
) -> Measured:
    """`statistic` of both readings, and the interval of its difference; none where `few` of the rows count too few."""
    width = len(first)

    def difference(gold: Any, *said: Any) -> float:
        return statistic(gold, *said[width:]) - statistic(gold, *said[:width])

    rows = len(gold)
    one, other = statistic(gold, *first), statistic(gold, *second)
    if few is not None and few < MIN_ROWS:
        interval = Interval(other - one, -math.inf, math.inf, rows)
    else:
        interval = paired_difference(difference, gold, *first, *second)
    return Measured(head, measure, rows, one, other, interval, less_is_better=less_is_better)


def average_precision(gold: Classes, ranks: Classes) -> float:
    """Of texts ranked from 0 up, equal ones alike: the mean of the precision at each angry one, as scikit-learn's."""
    angry, all_ = _from_the_top(gold, ranks)
    if not angry[-1]:
        return 0.0
    return float(np.sum(np.diff(angry, prepend=0) * angry / np.maximum(all_, 1)) / angry[-1])


def recall_at_few_false_alarms(gold: Classes, ranks: Classes) -> float:
    """The largest share of angry texts found while at most 5 % of the others are taken for angry."""
    angry, all_ = _from_the_top(gold, ranks)
    others = all_ - angry
    allowed = angry[others <= FALSE_ALARM_RATE * others[-1]]
    return float(allowed[-1] / angry[-1]) if allowed.size and angry[-1] else 0.0


def _from_the_top(gold: Classes, ranks: Classes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Angry texts, and all, from each rank up, the highest first."""
    size = int(ranks.max()) + 1
    angry = np.bincount(ranks, weights=gold, minlength=size)
    return np.cumsum(angry[::-1]), np.cumsum(np.bincount(ranks, minlength=size)[::-1]).astype(np.float64)


def _share(chosen: npt.NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if chosen.size else 0.0


def _confusion(gold: Gold, first: Reading, second: Reading) -> tuple[list[list[int]], list[list[int]]] | None:
    known = _known_moods(gold, np.arange(len(gold.moods)))
    if not known.size:
        return None
    tables = [
        confusion_matrix(gold.moods[known], each.decided[known], labels=range(len(MOODS))).tolist()
        for each in (first, second)
    ]
    return tables[0], tables[1]


def _judged(measured: Sequence[Measured]) -> list[Measured]:
    """Each with its verdict, corrected for how many were looked at.

    Benjamini and Hochberg, "Controlling the false discovery rate" (1995), on p-values that are read off the intervals
    (Altman and Bland, "How to obtain the P value from a confidence interval", 2011).
    """
    p_values = [_p_value(each.difference) for each in measured if each.difference and _is_looked_at(each)]
    adjusted = iter(false_discovery_control(p_values) if p_values else ())
    return [
        each
        if each.difference is None
        else replace(each, verdict=_verdict(each, each.difference, next(adjusted) if _is_looked_at(each) else 1.0))
        for each in measured
    ]


def _is_looked_at(measured: Measured) -> bool:
    """Whether there is an interval; where rows are too few for one, nothing is said that could be a false discovery."""
    return measured.difference is not None and not math.isinf(measured.difference.low)


def _p_value(interval: Interval) -> float:
    if not interval.difference:
        return 1.0
    error = (interval.high - interval.low) / (2 * norm.ppf(0.975))
    return float(2 * norm.sf(abs(interval.difference) / error)) if error else 0.0


def _verdict(measured: Measured, interval: Interval, adjusted: float) -> Verdict:
    if interval.low == interval.high == 0:
        return "the same"
    # Skewed intervals may hold 0 where the p-value, which takes them as even, says otherwise.
    if adjusted > FALSE_DISCOVERY_RATE or interval.low <= 0 <= interval.high:
        return "not enough data to tell"
    return "better" if (interval.difference > 0) != measured.less_is_better else "worse"
