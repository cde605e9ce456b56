"""From logits to probabilities that mean what they say.

Each head's logits are divided by a temperature, and moods get a bias, fitted on validation rows (temperature and
vector scaling, Guo et al. 2017, https://arxiv.org/abs/1706.04599), then P(angry) = P(unhappy) * P(angry | unhappy) and
P(dissatisfied) is the rest of P(unhappy).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.config import Calibration
from model.labels import MOODS, SATISFACTION

Floats = npt.NDArray[np.float64]

_UNHAPPY = SATISFACTION.index("unhappy")


class HeadLogits(NamedTuple):
    """Logits by head: satisfaction (texts, 3), anger (texts,), topics (texts, topics)."""

    satisfaction: Floats
    anger: Floats
    topics: Floats


def split_heads(logits: npt.NDArray[np.floating]) -> HeadLogits:
    """Splits the graph's output (texts, 4 + topics) by head."""
    values = logits.astype(np.float64)
    return HeadLogits(values[:, :3], values[:, 3], values[:, 4:])


def combine_windows(heads: HeadLogits, windows: Sequence[Sequence[Sequence[int]]]) -> HeadLogits:
    """From the logits of windows to those of texts; `windows` holds each text's windows, at least one.

    Satisfaction and anger are the mean over windows, weighted by length: the heads being linear on a mean,
    that equals the heads on the mean over all of the text. A topic is as sure as in the window that speaks
    of it most.
    """
    lengths = np.array([len(window) for of_text in windows for window in of_text], dtype=np.float64)
    starts = np.cumsum([0, *(len(of_text) for of_text in windows[:-1])])
    totals = np.add.reduceat(lengths, starts)
    satisfaction = np.add.reduceat(heads.satisfaction * lengths[:, None], starts) / totals[:, None]
    anger = np.add.reduceat(heads.anger * lengths, starts) / totals
    return HeadLogits(satisfaction, anger, np.maximum.reduceat(heads.topics, starts))


def mood_probabilities(heads: HeadLogits, calibration: Calibration) -> Floats:
    """Calibrated probability of each mood, (texts, 4) in the order of MOODS; rows sum to 1."""
    temperatures, biases = calibration
    scaled = heads.satisfaction / temperatures.satisfaction + np.array([biases.satisfied, biases.neutral, 0.0])
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    satisfaction = powers / powers.sum(axis=1, keepdims=True)
    angry = sigmoid(heads.anger / temperatures.anger + biases.angry)
    unhappy = satisfaction[:, _UNHAPPY]
    moods = np.empty((len(scaled), len(MOODS)))
    moods[:, :2] = satisfaction[:, :2]
    moods[:, MOODS.index("dissatisfied")] = unhappy * (1 - angry)
    moods[:, MOODS.index("angry")] = unhappy * angry
    return moods


def topic_probabilities(heads: HeadLogits, calibration: Calibration) -> Floats:
    """Calibrated probability of each topic, (texts, topics) in the order of the weights."""
    return sigmoid(heads.topics / calibration.temperatures.topics)


def sigmoid(values: Floats) -> Floats:
    """The logistic function, without overflow for large negative values."""
    return 0.5 * (1 + np.tanh(0.5 * values))
