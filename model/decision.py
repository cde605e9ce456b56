"""From probabilities to a decision: which mood and which topics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.config import Thresholds
from model.labels import MOODS, TOPICS
from model.prediction import TopicScore

_ANGRY = MOODS.index("angry")

Floats = npt.NDArray[np.float64]


def decided_moods(scores: Floats, angry_threshold: float) -> npt.NDArray[np.int64]:
    """Positions in MOODS, (texts,), for probabilities (texts, 4): the likeliest mood, but `angry` from its
    threshold on, since a missed angry customer costs more than a false alarm.
    """
    return np.where(scores[:, _ANGRY] >= angry_threshold, _ANGRY, scores.argmax(axis=1))


def ranked_topics(scores: Floats) -> tuple[TopicScore, ...]:
    """All topics, best first."""
    order = np.argsort(-scores, kind="stable")
    return tuple(TopicScore(TOPICS[at], float(scores[at])) for at in order)


def topics_over(ranked: tuple[TopicScore, ...], thresholds: Thresholds) -> tuple[TopicScore, ...]:
    """The topics that reach their thresholds, best first."""
    return tuple(topic for topic in ranked if topic.score >= thresholds.topics[topic.name])
