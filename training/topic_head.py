"""The head of one own topic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class TopicHead:
    """A linear head on the vectors of `feature_layers`, one after the other, (layers · width,).

    The sigmoid of what it gives is the probability of the topic, which counts from `threshold` on.
    """

    name: str
    weights: npt.NDArray[np.float64]
    bias: float
    threshold: float
