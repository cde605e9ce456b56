"""Calibration and thresholds between those of the weights to begin with and those fitted on somebody's own rows.

A few dozen validation rows say little, thousands all. What n rows say counts n / (n + PRIOR_ROWS), as if what the
weights knew before had come from that many rows (the mean under a normal prior; Gelman et al., "Bayesian Data
Analysis", 2013, section 2.5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.rows import FeedbackRow
from model.calibration import HeadLogits
from model.config import Biases, Calibration, Temperatures, Thresholds
from training.fit import fit_calibration, fit_thresholds
from training.targets import anger_targets, mood_targets, moods_are_told, satisfaction_targets, topic_targets

PRIOR_ROWS = 300
"""A bias fitted on a hundred rows is known to about a quarter, the size that fitted biases themselves have; and it
moves the answers to all other texts as well."""

MIN_POSITIVES = 20
"""Texts of a topic below which no threshold is fitted (as in `training/fit.py`)."""


@dataclass(frozen=True, slots=True)
class Blend:
    """What came of it, and how much the own rows counted for each part, from 0 to 1."""

    calibration: Calibration
    thresholds: Thresholds
    shares: dict[str, float]


def blend(
    before: Calibration, thresholds: Thresholds, heads: HeadLogits, rows: Sequence[FeedbackRow], names: Sequence[str]
) -> Blend:
    """Fits calibration and thresholds on `heads`, the logits of `rows`, and blends them with those before.

    `names` are the topics of the logits, all of which `thresholds` names.
    """
    satisfaction, anger, topics = satisfaction_targets(rows), anger_targets(rows), topic_targets(rows, names)
    shares = {
        "satisfaction": _share(int((satisfaction >= 0).sum())),
        "anger": _share(int(((satisfaction == 2) & (anger >= 0)).sum())),
        "topics": _share(int((topics >= 0).any(axis=1).sum())),
        "moods": _share(int((mood_targets(rows) >= 0).sum()) if moods_are_told(rows) else 0),
    }
    calibration = _between(before, fit_calibration(heads, rows, names), shares)
    fitted = fit_thresholds(heads, rows, calibration, names)
    positives = dict(zip(names, (topics == 1).sum(axis=0).tolist(), strict=True))
    return Blend(calibration, _thresholds(thresholds, fitted, positives, shares["moods"]), shares)


def _share(rows: int) -> float:
    return rows / (rows + PRIOR_ROWS)


def _between(before: Calibration, fitted: Calibration, shares: Mapping[str, float]) -> Calibration:
    heads = {"satisfied": "satisfaction", "neutral": "satisfaction", "angry": "anger"}
    # Temperatures divide, so their logarithms are what is halfway between two of them.
    temperatures = {
        head: math.exp(_mix(math.log(getattr(before.temperatures, head)), math.log(value), shares[head]))
        for head, value in fitted.temperatures
    }
    biases = {name: _mix(getattr(before.biases, name), value, shares[heads[name]]) for name, value in fitted.biases}
    return Calibration(
        Temperatures(**{name: round(value, 4) for name, value in temperatures.items()}),
        Biases(**{name: round(value, 4) for name, value in biases.items()}),
    )


def _thresholds(
    before: Thresholds, fitted: Thresholds, positives: Mapping[str, int], share_of_moods: float
) -> Thresholds:
    topics = {}
    for name, value in fitted.topics.items():
        known = before.topics[name]
        share = positives[name] / (positives[name] + MIN_POSITIVES) if positives[name] >= MIN_POSITIVES else 0.0
        topics[name] = round(_mix(known, value, share), 4)
    return Thresholds(
        angry=round(_mix(before.angry, fitted.angry, share_of_moods), 4),
        needs_review=round(_mix(before.needs_review, fitted.needs_review, share_of_moods), 4),
        topics=topics,
    )


def _mix(before: float, fitted: float, share: float) -> float:
    return float(np.interp(share, [0, 1], [before, fitted]))
