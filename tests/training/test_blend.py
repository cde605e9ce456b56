"""Calibration and thresholds between the old and what few rows say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.config import Biases, Calibration, Temperatures, Thresholds
from model.labels import TOPICS
from training.blend import PRIOR_ROWS, Blend, blend
from training.fit import fit_calibration, fit_thresholds

NAMES = (*TOPICS, "baggage")
BEFORE = Calibration(Temperatures(satisfaction=2.0, anger=2.0, topics=2.0), Biases(satisfied=0.5))
KEPT = Thresholds(angry=0.3, needs_review=0.6, topics=dict.fromkeys(NAMES, 0.4))
ROW = FeedbackRow("0", "text", "en", "a.csv", "validation", None, None, None, None)


def rows_and_heads(count: int, *, moods: bool = True) -> tuple[list[FeedbackRow], HeadLogits]:
    draw = np.random.default_rng(3)
    classes = draw.integers(0, 4, count)
    about = draw.random(count) < 0.5
    rows = [
        replace(
            ROW,
            sentiment=("satisfied", "neutral", "dissatisfied", "dissatisfied")[mood] if moods else None,
            angry=bool(mood == 3) if moods else None,
            topics=("baggage",) if has else (), topics_covered=("baggage",),
        )
        for mood, has in zip(classes, about, strict=True)
    ]  # fmt: skip
    satisfaction = draw.normal(size=(count, 3)) + 2 * np.eye(3)[np.minimum(classes, 2)]
    topics = draw.normal(size=(count, len(NAMES))) + np.where(about, 2, -2)[:, None]
    return rows, HeadLogits(satisfaction, draw.normal(size=count) + 2 * (classes == 3), topics)


def blended(count: int, *, moods: bool = True) -> Blend:
    rows, heads = rows_and_heads(count, moods=moods)
    return blend(BEFORE, KEPT, heads, rows, NAMES)


def test_without_rows_everything_stays_as_it_was() -> None:
    found = blended(0)

    assert found.calibration == BEFORE
    assert found.thresholds == KEPT
    assert set(found.shares.values()) == {0.0}


def test_as_many_rows_as_the_prior_is_worth_count_half() -> None:
    rows, heads = rows_and_heads(PRIOR_ROWS)
    fitted = fit_calibration(heads, rows, NAMES)

    found = blend(BEFORE, KEPT, heads, rows, NAMES)

    assert found.shares["satisfaction"] == 0.5
    assert found.calibration.temperatures.satisfaction == pytest.approx(
        (2.0 * fitted.temperatures.satisfaction) ** 0.5, abs=1e-3
    )
    assert found.calibration.biases.satisfied == pytest.approx((0.5 + fitted.biases.satisfied) / 2, abs=1e-3)


def test_thousands_of_rows_decide_alone() -> None:
    rows, heads = rows_and_heads(20_000)
    found = blend(BEFORE, KEPT, heads, rows, NAMES)
    fitted = fit_thresholds(heads, rows, found.calibration, NAMES)

    assert found.thresholds.angry == pytest.approx(fitted.angry, abs=0.01)
    assert found.thresholds.topics["baggage"] == pytest.approx(fitted.topics["baggage"], abs=0.01)


def test_rows_without_moods_leave_the_calibration_of_moods_alone() -> None:
    found = blended(200, moods=False)

    assert found.calibration.temperatures.satisfaction == 2.0
    assert found.calibration.biases == BEFORE.biases
    assert found.thresholds.angry == KEPT.angry
    assert found.calibration.temperatures.topics != 2.0


def test_a_topic_with_few_texts_keeps_its_threshold() -> None:
    found = blended(30)
    assert found.thresholds.topics["baggage"] == KEPT.topics["baggage"]
    assert found.thresholds.topics["price"] == KEPT.topics["price"]
