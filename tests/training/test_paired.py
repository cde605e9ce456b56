"""Intervals of what one set of weights gains over another on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.paired import Interval, macro_f1, micro_f1, paired_difference


def gain(gold: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    return float((second == gold).mean() - (first == gold).mean())


def readings(rows: int, *, first_right: float, second_right: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    gold = draw.integers(0, 4, rows)
    return (
        gold,
        np.where(draw.random(rows) < first_right, gold, (gold + 1) % 4),
        np.where(draw.random(rows) < second_right, gold, (gold + 1) % 4),
    )


def test_a_clear_gain_is_called_better_and_its_mirror_worse() -> None:
    gold, first, second = readings(400, first_right=0.6, second_right=0.8)

    interval = paired_difference(gain, gold, first, second)

    assert interval.low < interval.difference < interval.high
    assert interval.rows == 400
    assert interval.verdict == "better"
    assert paired_difference(gain, gold, second, first).verdict == "worse"


def test_readings_that_agree_leave_nothing_to_tell() -> None:
    gold, first, _ = readings(400, first_right=0.6, second_right=0.6)

    interval = paired_difference(gain, gold, first, first)

    assert (interval.difference, interval.low, interval.high) == (0, 0, 0)
    assert interval.verdict == "not enough data to tell"


def test_few_rows_tell_nothing_however_large_the_gain() -> None:
    gold = np.arange(9) % 4

    interval = paired_difference(gain, gold, (gold + 1) % 4, gold)

    assert interval.difference == 1
    assert interval.verdict == "not enough data to tell"


def test_drawing_rows_together_makes_the_interval_of_a_small_steady_gain_narrow() -> None:
    gold, first, _ = readings(1000, first_right=0.5, second_right=0.5)
    second = first.copy()
    second[np.flatnonzero(first != gold)[:30]] = gold[np.flatnonzero(first != gold)[:30]]

    paired = paired_difference(gain, gold, first, second)

    # Drawn apart, two accuracies of a half on 1,000 rows differ by 0.044 either way.
    assert paired.high - paired.low < 0.025
    assert paired.verdict == "better"


def test_the_same_seed_gives_the_same_interval() -> None:
    arrays = readings(200, first_right=0.6, second_right=0.7)

    assert paired_difference(gain, *arrays) == paired_difference(gain, *arrays)
    assert paired_difference(gain, *arrays) != paired_difference(gain, *arrays, seed=1)


def test_it_covers_the_true_gain_about_as_often_as_it_says() -> None:
    held = 0
    draw = np.random.default_rng(5)
    for _ in range(60):
        right = draw.random((120, 2)) < (0.6, 0.7)
        interval = paired_difference(
            lambda one, other: float(other.mean() - one.mean()), right[:, 0], right[:, 1], resamples=300
        )
        held += interval.low <= 0.1 <= interval.high
    assert held >= 51  # 57 are expected; fewer than 51 would come by chance once in 200 times


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        paired_difference(gain, np.zeros(20), np.zeros(20), np.zeros(21))


def test_no_rows_at_all_tell_nothing() -> None:
    empty = np.zeros(0)

    assert paired_difference(gain, empty, empty, empty) == Interval(0.0, -np.inf, np.inf, 0)


def test_the_quick_scores_are_those_of_scikit_learn() -> None:
    gold, decided, _ = readings(300, first_right=0.6, second_right=0.6)
    topics_gold, topics_decided = (np.random.default_rng(2).random((2, 300, 3)) < 0.3).astype(np.int64)
    topics_gold[:50, 1] = -1
    known = topics_gold >= 0

    assert macro_f1(gold, decided, np.arange(4)) == pytest.approx(f1_score(gold, decided, average="macro"))
    assert micro_f1(topics_gold, topics_decided.astype(bool)) == pytest.approx(
        f1_score(topics_gold[known], topics_decided[known])
    )
    assert micro_f1(np.zeros((5, 2), dtype=np.int64), np.zeros((5, 2), dtype=bool)) == 0
