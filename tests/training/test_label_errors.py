"""Labels that are probably wrong: planted ones come first, and hardly any of the right ones are doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.classifier import SHIPPED_WEIGHTS
from model.config import read_config
from model.labels import MOODS
from training.label_errors import find_label_errors

CONFIG = read_config(SHIPPED_WEIGHTS / "config.json")
_SAID = {"satisfied": ("satisfied", False), "neutral": ("neutral", False), "dissatisfied": ("dissatisfied", False),
         "angry": ("dissatisfied", True), "unhappy": ("dissatisfied", None), None: (None, None)}  # fmt: skip


def row(mood: str | None, topics=None, number: int = 0) -> FeedbackRow:
    sentiment, angry = _SAID[mood]
    covered = None if topics is None else ("delivery", "wifi")
    return FeedbackRow(f"r{number}", f"text {number}", "en", "s", "train", sentiment, angry, topics, covered)


def silent(count: int) -> HeadLogits:
    """Weights that know nothing."""
    return HeadLogits(np.zeros((count, 3)), np.zeros(count), np.zeros((count, 8)))


def knowing(moods) -> HeadLogits:
    """Weights that are sure of these moods."""
    satisfaction = np.array([[6.0 * (min(MOODS.index(mood), 2) == at) for at in range(3)] for mood in moods])
    anger = np.array([6.0 if mood == "angry" else -6.0 for mood in moods])
    return HeadLogits(satisfaction, anger, np.full((len(moods), 8), -6.0))


def clustered(moods, seed=0):
    """Vectors that tell the moods apart, as wide as the encoder's."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(scale=0.3, size=(4, 384))
    return np.array([centres[MOODS.index(mood)] for mood in moods]) + chance.normal(size=(len(moods), 384))


def planted(count=240, wrong=12, seed=1):
    chance = np.random.default_rng(seed)
    right = [MOODS[at % 4] for at in range(count)]
    errors = set(chance.choice(count, wrong, replace=False).tolist())
    given = [MOODS[(MOODS.index(mood) + 1 + at % 3) % 4] if at in errors else mood for at, mood in enumerate(right)]
    return right, given, errors


@pytest.mark.parametrize("weights", [silent, knowing], ids=["weights that know nothing", "weights that know"])
def test_planted_errors_come_first_with_the_label_that_is_meant(weights):
    right, given, errors = planted()
    heads = knowing(right) if weights is knowing else silent(len(right))
    rows = [row(mood, number=at) for at, mood in enumerate(given)]
    found = find_label_errors(rows, clustered(right), heads, range(len(rows)), CONFIG, ())
    first = found[: len(errors)]
    assert len(errors & {each.row for each in first}) >= len(errors) - 1
    assert all(each.likelier == right[each.row] for each in first if each.row in errors)
    assert len(found) <= 2 * len(errors)
    assert [each.given_probability for each in found] == sorted(each.given_probability for each in found)


def test_rows_that_are_all_right_are_hardly_doubted():
    right, _, _ = planted()
    rows = [row(mood, number=at) for at, mood in enumerate(right)]
    found = find_label_errors(rows, clustered(right), knowing(right), range(len(rows)), CONFIG, ())
    assert len(found) <= 3


def test_topics_that_are_lacking_and_topics_too_many_are_both_found_even_of_ones_the_weights_do_not_know():
    chance = np.random.default_rng(2)
    has = np.arange(200) % 3 == 0
    vectors = chance.normal(size=(200, 384)) + has[:, None] * chance.normal(scale=0.6, size=384)
    given = has.copy()
    given[:6] = ~given[:6]
    rows = [row("neutral" if at % 2 else "satisfied", ("wifi",) if given[at] else (), at) for at in range(200)]
    found = find_label_errors(rows, vectors, silent(200), range(200), CONFIG, ("wifi",))
    topics = [(each.row, each.given, each.likelier) for each in found if "wifi" in (each.given, each.likelier)]
    planted_ones = {(at, "", "wifi") if has[at] else (at, "wifi", "") for at in range(6)}
    assert len(planted_ones.intersection(topics[:6])) >= 5
    assert {likelier for _, _, likelier in topics} == {"", "wifi"}


def test_stars_that_do_not_say_who_is_angry_are_doubted_as_unhappy():
    right, given, errors = planted()
    coarse = ["unhappy" if mood in ("dissatisfied", "angry") else mood for mood in given]
    wrong = {at for at in errors if {right[at], given[at]} != {"dissatisfied", "angry"}}
    rows = [row(mood, number=at) for at, mood in enumerate(coarse)]
    found = find_label_errors(rows, clustered(right), silent(len(rows)), range(len(rows)), CONFIG, ())
    assert {each.given for each in found} <= {"satisfied", "neutral", "unhappy"}
    assert len(wrong & {each.row for each in found[: len(wrong)]}) >= len(wrong) - 1


def test_copies_of_a_wrong_row_do_not_vouch_for_each_other():
    right, _, _ = planted()
    vectors = clustered(right)
    rows = [row(mood, number=at) for at, mood in enumerate(right)]
    copies = [replace(rows[0], sentiment="neutral")] * 12
    far = np.tile(vectors[0] * 3, (12, 1))
    groups = [*range(len(rows)), *[len(rows)] * 12]
    found = find_label_errors([*rows, *copies], np.vstack([vectors, far]), silent(len(groups)), groups, CONFIG, ())
    assert {each.row for each in found[:12]} == set(range(len(rows), len(groups)))


@pytest.mark.parametrize(
    "moods",
    [["satisfied"], ["satisfied"] * 30, ["satisfied"] * 3 + ["angry"] * 2, ["angry"] * 30 + ["neutral"], [None] * 4],
)
def test_too_few_rows_or_labels_are_no_failure(moods):
    rows = [row(mood, ("delivery",) if at % 2 else (), at) for at, mood in enumerate(moods)]
    vectors = np.random.default_rng(0).normal(size=(len(rows), 384))
    heads = knowing([mood or "neutral" for mood in moods])
    for groups in (range(len(rows)), [0] * len(rows)):
        found = find_label_errors(rows, vectors, heads, groups, CONFIG, ("delivery", "wifi"))
        assert all(0 <= each.given_probability < each.probability <= 1 for each in found)
