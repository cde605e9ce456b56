"""How far a label would help: what the weights' answer on a text is expected to cost.

With calibrated probabilities the expected cost of a decision is known before anyone has checked it, and is highest
where a label can still change it. What a mistake costs is read off the thresholds: deciding for a label from the
probability t on is right exactly where missing it costs (1 - t) / t times as much as a false alarm (Elkan 2001, "The
foundations of cost-sensitive learning", section 2.2). The low threshold of `angry` so makes a missed angry customer the
dearest mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.config import WeightsConfig
from model.decision import decided_moods
from model.labels import MOODS

Floats = npt.NDArray[np.float64]

_ANGRY = MOODS.index("angry")


@dataclass(frozen=True, slots=True)
class Answers:
    """The weights' calibrated answers on some texts, and their expected costs; a false alarm costs 1.

    `moods` (texts, 4) and `topics` (texts, topics) are probabilities, `decided` (texts,) counts into MOODS.
    `mood_costs` (texts,), `topic_costs` (texts, topics).
    """

    moods: Floats
    topics: Floats
    decided: npt.NDArray[np.int64]
    mood_costs: Floats
    topic_costs: Floats

    @property
    def doubts(self) -> Floats:
        """The expected cost of a text's whole answer, (texts,)."""
        return np.asarray(self.mood_costs + self.topic_costs.sum(axis=1))


def answers(heads: HeadLogits, config: WeightsConfig) -> Answers:
    """Decides as the classifier does, and says what that is expected to cost."""
    moods = mood_probabilities(heads, config.calibration)
    topics = topic_probabilities(heads, config.calibration)
    decided = decided_moods(moods, config.thresholds.angry)
    # A threshold above one half would make a missed angry customer cheaper than a false alarm; nobody means that.
    missed = max(1.0, _cost_of_missing(config.thresholds.angry))
    wrong = 1 - moods[np.arange(len(moods)), decided]
    mood_costs = np.where(decided == _ANGRY, wrong, wrong + (missed - 1) * moods[:, _ANGRY])
    thresholds = np.array([config.thresholds.topics[name] for name in config.topics])
    missing = np.array([_cost_of_missing(threshold) for threshold in thresholds])
    topic_costs = np.where(topics >= thresholds, 1 - topics, topics * missing)
    return Answers(moods, topics, decided, mood_costs, topic_costs)


def _cost_of_missing(threshold: float) -> float:
    return (1 - threshold) / threshold if threshold > 0 else 1.0
