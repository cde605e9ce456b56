"""From probabilities to a decision: which mood and which topics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.config import Thresholds
from model.labels import MOODS
from model.prediction import TopicScore

_ANGRY = MOODS.index("angry")

Floats = npt.NDArray[np.float64]


def decided_moods(scores: Floats, angry_threshold: float) -> npt.NDArray[np.int64]:
    """Positions in MOODS, (texts,), for probabilities (texts, 4): the likeliest mood, but `angry` from its
    threshold on, since a missed angry customer costs more than a false alarm.
    """
    return np.where(scores[:, _ANGRY] >= angry_threshold, _ANGRY, scores.argmax(axis=1))


def ranked_topics(scores: Floats, names: Sequence[str]) -> tuple[TopicScore, ...]:
    """All topics of one text, best first; `scores` (topics,) are those of `names`."""
    order = np.argsort(-scores, kind="stable")
    return tuple(TopicScore(names[at], float(scores[at])) for at in order)


def topics_over(ranked: tuple[TopicScore, ...], thresholds: Thresholds) -> tuple[TopicScore, ...]:
    """The topics that reach their thresholds, best first."""
    return tuple(topic for topic in ranked if topic.score >= thresholds.topics[topic.name])
