"""Fitting temperatures and thresholds on validation rows, by rules that the model card repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score, log_loss, precision_recall_curve

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, sigmoid, topic_probabilities
from model.config import Temperatures, Thresholds
from model.decision import decided_moods
from model.labels import TOPICS
from training.targets import anger_targets, mood_targets, satisfaction_targets, topic_targets

RULES = {
    "temperatures": "one a head, the one with the least log-loss",
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


def fit_temperatures(heads: HeadLogits, rows: Sequence[FeedbackRow]) -> Temperatures:
    """Fits one temperature a head; a head that no row supervises keeps 1."""
    satisfaction, anger, topics = satisfaction_targets(rows), anger_targets(rows), topic_targets(rows)
    known, unhappy, named = satisfaction >= 0, (satisfaction == 2) & (anger >= 0), topics >= 0

    def satisfaction_loss(temperature: float) -> float:
        scaled = heads.satisfaction[known] / temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return float(log_loss(satisfaction[known], powers / powers.sum(axis=1, keepdims=True), labels=[0, 1, 2]))

    def binary_loss(logits: Floats, targets: npt.NDArray[np.int64], temperature: float) -> float:
        return float(log_loss(targets, sigmoid(logits / temperature), labels=[0, 1]))

    return Temperatures(
        satisfaction=_least(satisfaction_loss) if known.any() else 1.0,
        anger=_least(lambda t: binary_loss(heads.anger[unhappy], anger[unhappy], t)) if unhappy.any() else 1.0,
        topics=_least(lambda t: binary_loss(heads.topics[named], topics[named], t)) if named.any() else 1.0,
    )


def fit_thresholds(heads: HeadLogits, rows: Sequence[FeedbackRow], temperatures: Temperatures) -> Thresholds:
    """Chooses every threshold by the rules in `RULES`."""
    moods = mood_probabilities(heads, temperatures)
    targets = mood_targets(rows)
    known = targets >= 0
    angry = _angry_threshold(moods[known], targets[known])
    topics = topic_probabilities(heads, temperatures)
    gold = topic_targets(rows)
    return Thresholds(
        angry=angry,
        needs_review=_review_threshold(moods[known], targets[known], angry),
        topics={
            name: _best_f1_threshold(topics[gold[:, at] >= 0, at], gold[gold[:, at] >= 0, at])
            for at, name in enumerate(TOPICS)
        },
    )


def _least(loss: object) -> float:
    return round(float(minimize_scalar(loss, bounds=(0.3, 5.0), method="bounded").x), 4)


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
