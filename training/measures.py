"""How good predictions are on labelled rows, in the field's measures (scikit-learn's)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    roc_curve,
)

from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.config import Calibration, Thresholds
from model.decision import decided_moods
from model.labels import MOODS, SATISFACTION
from training.targets import UNKNOWN, anger_targets, mood_targets, satisfaction_targets, topic_targets

FALSE_ALARM_RATE = 0.05
BINS = 15

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]
_ANGRY, _SATISFIED, _NEUTRAL = MOODS.index("angry"), MOODS.index("satisfied"), MOODS.index("neutral")


def measure(
    heads: HeadLogits, rows: Sequence[FeedbackRow], calibration: Calibration, thresholds: Thresholds
) -> dict[str, Any]:
    """Measures every head on the rows that label it; a head that none labels is left out."""
    moods = mood_probabilities(heads, calibration)
    raw = mood_probabilities(heads, Calibration())
    measured: dict[str, Any] = {"texts": len(rows)}
    gold_moods, gold_satisfaction = mood_targets(rows), satisfaction_targets(rows)
    gold_anger, gold_topics = anger_targets(rows), topic_targets(rows, tuple(thresholds.topics))
    if (known := gold_moods != UNKNOWN).any():
        measured["mood"] = _mood(moods[known], raw[known], gold_moods[known], thresholds)
    if (known := gold_satisfaction != UNKNOWN).any():
        measured["satisfaction"] = _satisfaction(moods[known], gold_satisfaction[known])
    if {0, 1} <= set(gold_anger.tolist()):
        known = gold_anger != UNKNOWN
        measured["angry"] = _angry(moods[known, _ANGRY], gold_anger[known], thresholds.angry)
    if (gold_topics != UNKNOWN).any():
        measured["topics"] = _topics(topic_probabilities(heads, calibration), gold_topics, thresholds)
    return measured


def _mood(moods: Floats, raw: Floats, gold: Classes, thresholds: Thresholds) -> dict[str, Any]:
    decided = decided_moods(moods, thresholds.angry)
    present = sorted(set(gold.tolist()))
    by_mood = f1_score(gold, decided, labels=present, average=None, zero_division=0)
    every = list(range(len(MOODS)))
    return {
        "texts": len(gold),
        "macro_f1": float(np.mean(by_mood)),
        "accuracy": float(accuracy_score(gold, decided)),
        "f1": {MOODS[at]: float(score) for at, score in zip(present, by_mood, strict=True)},
        "confusion": confusion_matrix(gold, decided, labels=every).tolist(),
        "calibration": {
            "error": calibration_error(moods, gold, decided),
            "error_before": calibration_error(raw, gold, decided_moods(raw, thresholds.angry)),
            "curve": _reliability(moods, gold, decided),
        },
    }


def calibration_error(moods: Floats, gold: Classes, decided: Classes) -> float:
    """Expected calibration error of the decided mood over 15 equal bins.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3.
    """
    confidence = moods[np.arange(len(moods)), decided]
    right = decided == gold
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    # A bin's share of the texts times the gap of its means is the gap of its sums over all texts.
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(gold))


def _reliability(moods: Floats, gold: Classes, decided: Classes) -> dict[str, list[float]]:
    confidence = moods[np.arange(len(moods)), decided]
    right, claimed = calibration_curve(decided == gold, confidence, n_bins=BINS)
    return {"claimed": claimed.tolist(), "right": right.tolist()}


def decided_satisfaction(moods: Floats, *, two_way: bool) -> Classes:
    """The likeliest class of satisfaction, (texts,); `two_way` where a source has no neutral rows."""
    unhappy = moods[:, MOODS.index("dissatisfied")] + moods[:, _ANGRY]
    three_way = np.stack([moods[:, _SATISFIED], moods[:, _NEUTRAL], unhappy], axis=1)
    if two_way:
        three_way[:, _NEUTRAL] = -1
    decided: Classes = three_way.argmax(axis=1)
    return decided


def _satisfaction(moods: Floats, gold: Classes) -> dict[str, Any]:
    decided = decided_satisfaction(moods, two_way=_NEUTRAL not in gold)
    present = sorted(set(gold.tolist()))
    return {
        "texts": len(gold),
        "classes": [SATISFACTION[at] for at in present],
        "macro_f1": float(f1_score(gold, decided, labels=present, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(gold, decided)),
        "confusion": confusion_matrix(gold, decided, labels=[0, 1, 2]).tolist(),
    }


def _angry(scores: Floats, gold: Classes, threshold: float) -> dict[str, Any]:
    false_alarms, recall, _ = roc_curve(gold, scores)
    alarmed = scores >= threshold
    return {
        "texts": len(gold),
        "angry_texts": int(gold.sum()),
        "average_precision": float(average_precision_score(gold, scores)),
        "recall_at_5_percent_false_alarms": float(recall[false_alarms <= FALSE_ALARM_RATE].max()),
        "recall_at_threshold": float(alarmed[gold == 1].mean()),
        "false_alarms_at_threshold": float(alarmed[gold == 0].mean()) if (gold == 0).any() else 0.0,
    }


def _topics(scores: Floats, gold: Classes, thresholds: Thresholds) -> dict[str, Any]:
    """Only the topics that a row's source can label count, so micro-F1 is taken over single decisions."""
    decided = scores >= np.array(list(thresholds.topics.values()))
    known = gold != UNKNOWN
    by_topic = {
        name: {
            "f1": float(f1_score(gold[known[:, at], at], decided[known[:, at], at], zero_division=0)),
            "texts": int(gold[known[:, at], at].sum()),
        }
        for at, name in enumerate(thresholds.topics)
        if (gold[:, at] == 1).any()
    }
    return {
        "texts": int(known.any(axis=1).sum()),
        "micro_f1": float(f1_score(gold[known], decided[known], zero_division=0)),
        "macro_f1": float(np.mean([each["f1"] for each in by_topic.values()])) if by_topic else 0.0,
        "by_topic": by_topic,
    }
