import numpy as np
import pytest

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities
from model.config import Calibration, Thresholds
from model.labels import TOPICS
from training.fit import fit_calibration, fit_thresholds
from training.measures import calibration_error, measure

THRESHOLDS = Thresholds(angry=0.5, needs_review=0.5, topics=dict.fromkeys(TOPICS, 0.5))
RNG = np.random.default_rng(4)


def row(mood: str, topics: tuple[str, ...] | None = ()) -> FeedbackRow:
    sentiment = "dissatisfied" if mood == "angry" else mood
    return FeedbackRow("1", "t", "en", "s", "test", sentiment, mood == "angry", topics, None)  # type: ignore[arg-type]


ROWS = [row("satisfied", ("price",)), row("neutral"), row("dissatisfied", ("delivery",)), row("angry")] * 30


def perfect() -> HeadLogits:
    classes = [0, 1, 2, 2] * 30
    topics = np.full((120, 8), -9.0)
    topics[0::4, TOPICS.index("price")] = topics[2::4, TOPICS.index("delivery")] = 9.0
    return HeadLogits(9.0 * np.eye(3)[classes], np.array([0.0, 0.0, -9.0, 9.0] * 30), topics)


def test_perfect_logits_measure_as_perfect() -> None:
    measured = measure(perfect(), ROWS, Calibration(), THRESHOLDS)
    assert measured["mood"]["macro_f1"] == measured["topics"]["micro_f1"] == 1.0
    assert measured["satisfaction"]["accuracy"] == measured["angry"]["average_precision"] == 1.0
    assert measured["angry"]["recall_at_5_percent_false_alarms"] == 1.0
    assert measured["mood"]["calibration"]["error"] < 0.01


def test_guessing_measures_as_guessing() -> None:
    heads = HeadLogits(RNG.normal(size=(120, 3)), RNG.normal(size=120), RNG.normal(size=(120, 8)))
    measured = measure(heads, ROWS, Calibration(), THRESHOLDS)
    assert measured["mood"]["macro_f1"] < 0.45
    assert measured["angry"]["average_precision"] < 0.6


def test_a_source_without_neutral_rows_is_read_two_ways() -> None:
    rows = [FeedbackRow("1", "t", "en", "s", "test", mood, None, None, None) for mood in ("satisfied", "dissatisfied")]  # type: ignore[arg-type]
    unsure = HeadLogits(np.array([[1.0, 5.0, 0.0], [0.0, 5.0, 1.0]]), np.zeros(2), np.zeros((2, 8)))
    measured = measure(unsure, rows, Calibration(), THRESHOLDS)
    assert measured["satisfaction"]["accuracy"] == 1.0
    assert measured["satisfaction"]["classes"] == ["satisfied", "unhappy"]
    assert "mood" not in measured
    assert "topics" not in measured


def test_calibration_error_of_nine_tenths_that_is_right_half_the_time() -> None:
    moods = np.tile([0.9, 0.1, 0.0, 0.0], (100, 1))
    gold = np.array([0, 1] * 50)
    assert calibration_error(moods, gold, np.zeros(100, dtype=np.int64)) == pytest.approx(0.4)


def test_an_overconfident_head_gets_a_temperature_that_mends_it() -> None:
    truth = RNG.integers(0, 3, size=3000)
    rows = [row(("satisfied", "neutral", "dissatisfied")[at]) for at in truth]
    satisfaction = 6.0 * (np.eye(3)[truth] + RNG.normal(size=(3000, 3)))
    heads = HeadLogits(satisfaction, np.zeros(3000), np.zeros((3000, 8)))
    calibration = fit_calibration(heads, rows)
    assert calibration.temperatures.satisfaction > 2
    before, after = (measure(heads, rows, each, THRESHOLDS) for each in (Calibration(), calibration))
    assert after["mood"]["calibration"]["error"] < 0.5 * before["mood"]["calibration"]["error"]


def test_the_angry_threshold_buys_recall() -> None:
    truth = RNG.integers(0, 2, size=2000)
    rows = [row("angry" if angry else "dissatisfied") for angry in truth]
    heads = HeadLogits(
        np.tile([0.0, 0.0, 9.0], (2000, 1)), 1.5 * truth + RNG.normal(size=2000) - 1.5, np.zeros((2000, 8))
    )
    thresholds = fit_thresholds(heads, rows, Calibration())
    assert thresholds.angry < 0.45
    ours, plain = (measure(heads, rows, Calibration(), each)["angry"] for each in (thresholds, THRESHOLDS))
    assert ours["recall_at_threshold"] > plain["recall_at_threshold"]


def test_rare_topics_keep_a_plain_threshold() -> None:
    assert fit_thresholds(perfect(), ROWS, Calibration()).topics["billing"] == 0.5


def test_classes_drawn_too_often_in_training_get_a_bias_that_takes_it_back() -> None:
    truth = RNG.choice(3, size=4000, p=[0.2, 0.1, 0.7])
    rows = [row(("satisfied", "neutral", "dissatisfied")[at]) for at in truth]
    logits = 1.5 * np.eye(3)[truth] + RNG.normal(size=(4000, 3)) * 0.5
    heads = HeadLogits(logits, np.zeros(4000), np.zeros((4000, 8)))
    calibration = fit_calibration(heads, rows)
    assert calibration.biases.neutral < calibration.biases.satisfied < 0
    mean = mood_probabilities(heads, calibration)[:, 1].mean()
    assert mean == pytest.approx((truth == 1).mean(), abs=0.01)
