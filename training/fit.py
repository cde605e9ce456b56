"""Fitting calibration and thresholds on validation rows, by rules that the model card repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import f1_score, log_loss, precision_recall_curve

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, sigmoid, topic_probabilities
from model.config import Biases, Calibration, Temperatures, Thresholds
from model.decision import decided_moods
from model.labels import TOPICS
from training.targets import anger_targets, mood_targets, satisfaction_targets, topic_targets

RULES = {
    "temperatures": "one a head, and biases for moods, those with the least log-loss",
    "angry": "the lowest threshold whose mood macro-F1 is at most 0.5 points under the best of any threshold",
    "topics": "for each topic the threshold with the best F1",
    "needs_review": "the lowest threshold from which on moods are right nine times in ten",
}

_ANGRY_GRID = np.round(np.arange(0.15, 0.51, 0.01), 2)  # from 0.5 on angry is the likeliest anyway
_REVIEW_GRID = np.round(np.arange(0.25, 0.96, 0.01), 2)
_F1_GIVEN_FOR_RECALL = 0.005
_SURE_ENOUGH = 0.9
_MIN_POSITIVES = 20

Floats = npt.NDArray[np.float64]


def fit_calibration(heads: HeadLogits, rows: Sequence[FeedbackRow], names: Sequence[str] = TOPICS) -> Calibration:
    """Fits a temperature for each head and a bias for moods; a head that no row supervises stays as it is.

    `names` are the topics of the logits.
    """
    satisfaction, anger, topics = satisfaction_targets(rows), anger_targets(rows), topic_targets(rows, names)
    known, unhappy, named = satisfaction >= 0, (satisfaction == 2) & (anger >= 0), topics >= 0

    def satisfaction_loss(given: Floats) -> float:
        calibration = _calibration(satisfaction=given[0], satisfied=given[1], neutral=given[2])
        moods = mood_probabilities(HeadLogits(*(logits[known] for logits in heads)), calibration)
        three_way = np.stack([moods[:, 0], moods[:, 1], moods[:, 2] + moods[:, 3]], axis=1)
        return _log_loss(satisfaction[known], three_way)

    def anger_loss(given: Floats) -> float:
        angry = sigmoid(heads.anger[unhappy] / given[0] + given[1])
        return _log_loss(anger[unhappy], np.stack([1 - angry, angry], axis=1))

    def topic_loss(given: Floats) -> float:
        present = sigmoid(heads.topics[named] / given[0])
        return _log_loss(topics[named], np.stack([1 - present, present], axis=1))

    fitted: dict[str, float] = {}
    if known.any():
        fitted |= zip(("satisfaction", "satisfied", "neutral"), _least(satisfaction_loss, [1.0, 0.0, 0.0]), strict=True)
    if unhappy.any():
        fitted |= zip(("anger", "angry"), _least(anger_loss, [1.0, 0.0]), strict=True)
    if named.any():
        fitted |= zip(("topics",), _least(topic_loss, [1.0]), strict=True)
    return _calibration(**fitted)


def fit_thresholds(
    heads: HeadLogits, rows: Sequence[FeedbackRow], calibration: Calibration, names: Sequence[str] = TOPICS
) -> Thresholds:
    """Chooses every threshold by the rules in `RULES`; `names` are the topics of the logits."""
    moods = mood_probabilities(heads, calibration)
    targets = mood_targets(rows)
    known = targets >= 0
    angry = _angry_threshold(moods[known], targets[known])
    topics = topic_probabilities(heads, calibration)
    gold = topic_targets(rows, names)
    return Thresholds(
        angry=angry,
        needs_review=_review_threshold(moods[known], targets[known], angry),
        topics={
            name: _best_f1_threshold(topics[gold[:, at] >= 0, at], gold[gold[:, at] >= 0, at])
            for at, name in enumerate(names)
        },
    )


def _calibration(**fitted: float) -> Calibration:
    temperatures = {name: value for name, value in fitted.items() if name in Temperatures.model_fields}
    biases = {name: value for name, value in fitted.items() if name in Biases.model_fields}
    return Calibration(Temperatures(**temperatures), Biases(**biases))


def _least(loss: Callable[[Floats], float], start: list[float]) -> list[float]:
    """Where a loss of (temperature, biases…) is least, within sane bounds."""
    bounds = [(0.3, 5.0), *[(-3.0, 3.0)] * (len(start) - 1)]
    found = minimize(loss, np.array(start), bounds=bounds, method="L-BFGS-B")
    return [round(float(value), 4) for value in found.x]


def _log_loss(targets: npt.NDArray[np.int64], probabilities: Floats) -> float:
    return float(log_loss(targets, probabilities, labels=list(range(probabilities.shape[1]))))


def _angry_threshold(moods: Floats, targets: npt.NDArray[np.int64]) -> float:
    if not len(targets):
        return 0.5
    scores = np.array(
        [
            f1_score(targets, decided_moods(moods, threshold), average="macro", zero_division=0)
            for threshold in _ANGRY_GRID
        ]
    )
    return float(_ANGRY_GRID[np.argmax(scores >= scores.max() - _F1_GIVEN_FOR_RECALL)])


def _review_threshold(moods: Floats, targets: npt.NDArray[np.int64], angry: float) -> float:
    decided = decided_moods(moods, angry)
    confidence = moods[np.arange(len(moods)), decided]
    right = decided == targets
    for threshold in _REVIEW_GRID:
        sure = confidence >= threshold
        if sure.any() and right[sure].mean() >= _SURE_ENOUGH:
            return float(threshold)
    return float(_REVIEW_GRID[-1])


def _best_f1_threshold(scores: Floats, targets: npt.NDArray[np.int64]) -> float:
    if targets.sum() < _MIN_POSITIVES:  # a maximum over so few would be noise
        return 0.5
    precision, recall, thresholds = precision_recall_curve(targets, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return round(float(np.clip(thresholds[int(f1[:-1].argmax())], 0.1, 0.9)), 4)
