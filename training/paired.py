"""Whether one set of weights reads the same texts better than another: the interval of a paired difference.

Both have read the same rows, so the rows are drawn again, with replacement, together: what is hard for both moves both,
and only what differs between them widens the interval. The drawing is scipy's (Efron and Tibshirani, "An Introduction
to the Bootstrap", 1993, chapter 13: the percentile interval).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap

Verdict = Literal["better", "worse", "not enough data to tell"]

LEVEL = 0.95

RESAMPLES = 2000
"""Of two thousand, fifty lie beyond each end of the interval: an end moves by a few hundredths of its width with the
seed, and twice as many would halve nothing that anyone acts on."""

MIN_ROWS = 10
"""Fewer rows have so few different drawings that the interval is far too narrow."""

Classes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference measured on `rows` rows, and the ends of its 95 % interval; no interval where rows are too few."""

    difference: float
    low: float
    high: float
    rows: int

    @property
    def verdict(self) -> Verdict:
        """What the interval says of the second against the first, where more is better."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "not enough data to tell"


def paired_difference(
    statistic: Callable[..., float], *arrays: npt.NDArray[Any], resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The interval of a difference that `statistic` computes from arrays of equally many rows.

    `statistic(*arrays)` gives one number for the rows it gets, such as macro-F1 of the second reading minus that of
    the first; all arrays (rows, ...) are drawn from together. The same arrays and seed give the same interval. With
    fewer rows than MIN_ROWS the ends are infinite.

    Raises:
        ValueError: the arrays have different lengths, or none is given.
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"arrays of {sorted(lengths)} rows are not paired; give equally many rows in each")
    rows = lengths.pop()
    if rows < MIN_ROWS:
        difference = float(statistic(*arrays)) if rows else 0.0
        return Interval(difference, -np.inf, np.inf, rows)

    def of_drawn(drawn: npt.NDArray[Any]) -> float:
        at = drawn.astype(np.int64)
        return float(statistic(*(array[at] for array in arrays)))

    found = bootstrap(
        (np.arange(rows),),
        of_drawn,
        n_resamples=resamples,
        # The whole table of drawn rows would be gigabytes for a large file.
        batch=50,
        vectorized=False,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return Interval(float(statistic(*arrays)), float(low), float(high), rows)


def macro_f1(gold: Classes, decided: Classes, classes: Classes) -> float:
    """The mean F1 of `classes`; both readings (rows,). As scikit-learn's, which takes too long for thousands of draws.

    A class that is neither there nor decided counts as 0, so give those that the whole file has.
    """
    if not len(classes):
        return 0.0
    size = int(max(classes.max(), gold.max(initial=0), decided.max(initial=0))) + 1
    right = np.bincount(gold[gold == decided], minlength=size)
    there, said = np.bincount(gold, minlength=size), np.bincount(decided, minlength=size)
    return float(np.mean(2 * right[classes] / np.maximum(there[classes] + said[classes], 1)))


def micro_f1(gold: Classes, decided: npt.NDArray[np.bool_]) -> float:
    """F1 over single decisions, (rows, topics); where `gold` is below 0 the decision does not count."""
    known = gold >= 0
    there, said = (gold == 1) & known, decided & known
    total = int(there.sum() + said.sum())
    return float(2 * (there & said).sum() / total) if total else 0.0
