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


def mood_margins(scores: Floats, angry_threshold: float) -> Floats:
    """How far each decision of `decided_moods` is from another one, (texts,), in log odds."""
    odds = _log_odds(scores)
    over = odds[:, _ANGRY] - _log_odds(np.array(angry_threshold))
    others = np.sort(np.delete(odds, _ANGRY, axis=1), axis=1)
    likeliest, next_to_it = others[:, -1], others[:, -2]
    # Angry is what is over the threshold or likelier than the others: no longer so where both have changed.
    angry = np.maximum(over, odds[:, _ANGRY] - likeliest)
    return np.asarray(np.where(angry >= 0, angry, np.minimum(-angry, likeliest - next_to_it)))


def topic_margins(scores: Floats, thresholds: Floats) -> Floats:
    """How far the closest of each text's decisions on topics is from the other one, (texts,), in log odds."""
    return np.asarray(np.abs(_log_odds(scores) - _log_odds(thresholds)).min(axis=1))


def _log_odds(probabilities: Floats) -> Floats:
    sound = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(sound) - np.log1p(-sound))


def ranked_topics(scores: Floats, names: Sequence[str]) -> tuple[TopicScore, ...]:
    """All topics of one text, best first; `scores` (topics,) are those of `names`."""
    order = np.argsort(-scores, kind="stable")
    return tuple(TopicScore(names[at], float(scores[at])) for at in order)


def topics_over(ranked: tuple[TopicScore, ...], thresholds: Thresholds) -> tuple[TopicScore, ...]:
    """The topics that reach their thresholds, best first."""
    return tuple(topic for topic in ranked if topic.score >= thresholds.topics[topic.name])
