"""Intervals, tests and corrections, against published and hand-computed values."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from model.labels import MOODS, TOPICS
from serving.report import significance
from serving.report.changes import Dimension, Slice, find_changes
from serving.report.intervals import difference, share_of
from serving.report.significance import adjusted, compare
from serving.report.slots import SLOTS
from serving.report.wording import percent


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_that_newcombe_published(count, of, low, high):
    share = share_of(count, of)
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)


def test_an_interval_stays_between_0_and_1_and_of_nothing_it_is_all():
    assert share_of(20, 20).high == 1.0
    assert share_of(0, 0).share == 0.0
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)


def test_the_interval_of_a_difference_is_the_one_that_newcombe_published():
    middle, low, high = difference(share_of(56, 70), share_of(48, 80))
    assert (round(middle, 4), round(low, 4), round(high, 4)) == (0.2, 0.0524, 0.3339)


def test_few_texts_are_compared_exactly():
    # Fisher's lady tasting tea: 3 of 4 against 1 of 4.
    p_value, test = compare(3, 4, 1, 4)
    assert test == "Fisher"
    assert p_value == pytest.approx(34 / 70)


def test_many_texts_are_compared_with_chi_square():
    # By hand: n(ad - bc)² over the product of the margins, of 30 and 70 against 20 and 180.
    p_value, test = compare(30, 100, 20, 200)
    assert test == "chi-square"
    statistic = 300 * (30 * 180 - 70 * 20) ** 2 / (100 * 200 * 50 * 250)
    assert statistic == pytest.approx(19.2)
    assert p_value == pytest.approx(1.177e-5, rel=1e-3)


def test_chi_square_at_the_textbook_quantile_gives_5_in_100():
    # 3.841 is the 95 % quantile of chi-square with one degree of freedom.
    assert math.erfc(math.sqrt(3.841459 / 2)) == pytest.approx(0.05, abs=1e-6)


def test_both_tests_agree_where_both_apply(monkeypatch):
    approximate, test = compare(3000, 10_000, 2850, 10_000)
    assert test == "chi-square"
    monkeypatch.setattr(significance, "_EXPECTED", 10**9)
    exact, test = compare(3000, 10_000, 2850, 10_000)
    assert test == "Fisher"
    assert exact == pytest.approx(approximate, rel=0.05)
    assert 0.01 < exact < 0.05


def test_corrected_p_values_are_those_of_benjamini_and_hochberg():
    # By hand: p·m/rank, then the least of all that follow.
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert adjusted([0.9, 0.8]) == pytest.approx([0.9, 0.9])
    assert adjusted([]) == []


def counts(**moods: int) -> np.ndarray:
    table = np.zeros((len(MOODS), SLOTS), dtype=np.int64)
    for mood, count in moods.items():
        table[MOODS.index(mood), [0, SLOTS - 1]] = count
    return table


def weeks(*slices: np.ndarray) -> Dimension:
    named = [Slice(f"week {number}", part) for number, part in enumerate(slices)]
    whole = sum(slices[1:], start=slices[0])
    return Dimension("time", "date", "in the other weeks", named, whole, lambda one, other: f"weeks {one} to {other}")


def test_weeks_in_a_row_that_differ_alike_are_one_finding_in_words_and_sizes():
    quiet, loud = counts(satisfied=80, angry=20), counts(satisfied=50, angry=50)
    (finding,) = find_changes([weeks(quiet, quiet, quiet, loud, loud, quiet, quiet)]).found
    assert finding.value == "weeks 3 to 4"
    angry = next(measure for measure in finding.measures if measure.mood == "angry")
    assert (angry.here.count, angry.here.of, angry.elsewhere.count, angry.elsewhere.of) == (100, 200, 100, 500)
    assert angry.difference[0] == pytest.approx(0.3)


def test_a_week_that_looks_low_only_beside_a_high_one_is_no_finding():
    quiet, loud = counts(satisfied=800, angry=200), counts(satisfied=200, angry=800)
    assert [finding.value for finding in find_changes([weeks(quiet, quiet, loud)]).found] == ["weeks 2 to 2"]


def groups(*slices: np.ndarray) -> Dimension:
    named = [Slice(f"group {number}", part) for number, part in enumerate(slices)]
    return Dimension("group", "shop", "elsewhere", named, sum(slices[1:], start=slices[0]))


@pytest.mark.parametrize("measures", [("satisfied", "angry"), ("angry", "satisfied")])
def test_of_two_groups_that_mirror_each_other_the_smaller_is_told(measures):
    one, other = measures
    small, large = counts(**{one: 40, other: 10}), counts(**{one: 40, other: 160})
    for slices in ((small, large), (large, small)):
        (finding,) = find_changes([groups(*slices)]).found
        assert finding.value == ("group 0" if slices[0] is small else "group 1")
        assert {measure.mood for measure in finding.measures} == set(measures)


def test_of_two_groups_of_one_size_the_unhappier_is_told():
    (finding,) = find_changes([groups(counts(satisfied=80, angry=20), counts(satisfied=20, angry=80))]).found
    assert finding.value == "group 1"


@pytest.mark.parametrize("seed", range(8))
def test_a_lasting_change_is_one_finding_however_the_weeks_vary(seed):
    chance = random.Random(seed)
    slices = []
    for week in range(40):
        angry = sum(chance.random() < (0.2 if week < 25 else 0.45) for _ in range(150))
        slices.append(counts(satisfied=150 - angry, angry=angry))
    found = find_changes([weeks(*slices)]).found
    assert len(found) == 1
    first, last = map(int, found[0].value.removeprefix("weeks ").split(" to "))
    assert (first, last) == (25, 39)


def test_chance_alone_is_hardly_ever_reported():
    chance = random.Random(5)
    reported = 0
    for _ in range(40):
        slices = []
        for _ in range(20):
            angry = sum(chance.random() < 0.2 for _ in range(150))
            slices.append(counts(satisfied=150 - angry, angry=angry))
        reported += bool(find_changes([weeks(*slices)]).found)
    assert reported <= 6  # 2 are expected; without the correction it would be about 30


def test_slices_of_few_texts_are_not_compared():
    findings = find_changes([weeks(counts(angry=29), counts(satisfied=500))])
    assert (findings.looks, findings.found) == (0, ())


def test_a_large_sample_does_not_make_a_difference_matter():
    one, other = counts(satisfied=90_000, angry=10_000), counts(satisfied=91_000, angry=9_000)
    findings = find_changes([weeks(one, other)])
    assert findings.looks == 2 * 2  # satisfied and angry; no text is dissatisfied or has a topic
    assert findings.found == ()


def test_every_topic_is_among_the_comparisons():
    table = np.zeros((len(MOODS), SLOTS), dtype=np.int64)
    table[MOODS.index("angry"), 0] = 100
    table[MOODS.index("satisfied"), 0] = 100
    table[MOODS.index("angry"), 1 : 1 + len(TOPICS)] = 50
    assert find_changes([weeks(table, table)]).looks == 2 * (2 + len(TOPICS))


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.034, "3.4 %"),
        (0.02, "2 %"),
        (0.0997, "10 %"),
        (0.444, "44 %"),
        (0.997, "99.7 %"),
        (0.9999, "over 99.9 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_written_as_people_read_them(share, words):
    assert percent(share).replace("\u00a0", " ") == words
