import numpy as np
import pytest

from model.calibration import HeadLogits, combine_windows, mood_probabilities, sigmoid, split_heads
from model.config import Calibration, Temperatures
from model.decision import decided_moods
from model.labels import MOODS

LOGITS = np.random.default_rng(1).normal(size=(50, 12)) * 4


def test_moods_sum_to_one_and_anger_is_a_share_of_unhappiness() -> None:
    heads = split_heads(LOGITS)
    moods = mood_probabilities(heads, Calibration())
    assert np.allclose(moods.sum(axis=1), 1)
    satisfaction = np.exp(heads.satisfaction) / np.exp(heads.satisfaction).sum(axis=1, keepdims=True)
    assert np.allclose(moods[:, 2] + moods[:, 3], satisfaction[:, 2])
    assert np.allclose(moods[:, 3], satisfaction[:, 2] * sigmoid(heads.anger))


def test_a_higher_temperature_is_less_sure_of_the_same_satisfaction() -> None:
    heads = split_heads(LOGITS)
    sharp = mood_probabilities(heads, Calibration())[:, :2]
    soft = mood_probabilities(heads, Calibration(Temperatures(satisfaction=3.0)))[:, :2]
    assert soft.max() < sharp.max()


def test_huge_logits_stay_finite() -> None:
    heads = HeadLogits(np.array([[1e4, -1e4, 0.0]]), np.array([-1e4]), np.full((1, 8), 1e4))
    assert np.isfinite(mood_probabilities(heads, Calibration())).all()


def test_windows_combine_to_a_mean_by_length_and_the_surest_topic() -> None:
    heads = split_heads(np.arange(36, dtype=float).reshape(3, 12))
    combined = combine_windows(heads, [[[0] * 4, [0] * 2], [[0] * 5]])
    assert combined.satisfaction[0] == pytest.approx((heads.satisfaction[0] * 4 + heads.satisfaction[1] * 2) / 6)
    assert combined.anger[1] == heads.anger[2]
    assert np.array_equal(combined.topics[0], heads.topics[1])


def test_angry_wins_from_its_threshold_on_and_whenever_it_is_likeliest() -> None:
    scores = np.array([[0.0, 0.0, 0.65, 0.35], [0.0, 0.0, 0.7, 0.3], [0.2, 0.2, 0.2, 0.4]])
    assert [MOODS[at] for at in decided_moods(scores, 0.34)] == ["angry", "dissatisfied", "angry"]
    assert [MOODS[at] for at in decided_moods(scores, 0.5)] == ["dissatisfied", "dissatisfied", "angry"]
