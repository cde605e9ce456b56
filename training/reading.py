"""What one set of weights says of texts, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.calibration import Floats, HeadLogits, mood_probabilities, topic_probabilities
from model.config import WeightsConfig
from model.decision import decided_moods
from training.targets import Classes

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading:
    """Calibrated probabilities of moods (texts, 4), the moods decided (texts,), which of `topics` were found
    (texts, topics), and which texts need review (texts,).
    """

    moods: Floats
    decided: Classes
    topics: tuple[str, ...]
    found: Bools
    needs_review: Bools

    def found_of(self, names: tuple[str, ...]) -> Bools:
        """Which topics of `names`, all known to the weights, were found (texts, names)."""
        return self.found[:, [self.topics.index(name) for name in names]]


def reading_of(heads: HeadLogits, config: WeightsConfig) -> Reading:
    """What the weights' own calibration and thresholds make of their logits."""
    moods = mood_probabilities(heads, config.calibration)
    decided = decided_moods(moods, config.thresholds.angry)
    thresholds = np.array(list(config.thresholds.topics.values()))
    return Reading(
        moods=moods,
        decided=decided,
        topics=config.topics,
        found=topic_probabilities(heads, config.calibration) >= thresholds,
        needs_review=moods[np.arange(len(moods)), decided] < config.thresholds.needs_review,
    )
