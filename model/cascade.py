"""Two graphs for the work of one: a small one reads every window, and the full one those that it is not sure of.

What is sure depends on the window alone, so that an answer does not depend on what it was batched with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.calibration import mood_probabilities, split_heads, topic_probabilities
from model.config import Backend, Margins, Speed, WeightsConfig
from model.decision import mood_margins, topic_margins
from model.errors import InputError
from model.manifest import GRAPH, SMALL_GRAPH
from model.session import Logits, Session


class Cascade(Session):
    """The full graph, run only for windows whose decisions the small graph leaves open.

    A decision is open where it stands within the `margins`, in log odds, of another one.
    """

    def __init__(
        self, graph: Path, small: Path, *, config: WeightsConfig, margins: Margins, threads: int, backend: Backend
    ) -> None:
        size = config.limits.tokens_per_batch
        super().__init__(graph, threads=threads, tokens_per_batch=size, backend=backend)
        self._small = Session(small, threads=threads, tokens_per_batch=size, backend=backend)
        self._calibration, self._margins = config.calibration, margins
        self._angry = config.thresholds.angry
        self._topics = np.array([config.thresholds.topics[name] for name in config.topics])

    def run(self, batch: Sequence[Sequence[int]]) -> Logits:
        """Scores one micro-batch, at least one window, in the calling thread."""
        logits = self._small.run(batch)
        open_ = np.flatnonzero(self._is_open(logits)).tolist()
        if open_:
            logits[open_] = super().run([batch[at] for at in open_])
        return logits

    def _is_open(self, logits: Logits) -> npt.NDArray[np.bool_]:
        heads = split_heads(logits)
        moods = mood_margins(mood_probabilities(heads, self._calibration), self._angry)
        topics = topic_margins(topic_probabilities(heads, self._calibration), self._topics)
        # What is no number is not sure either.
        return ~((moods >= self._margins.moods) & (topics >= self._margins.topics))


def open_session(folder: Path, config: WeightsConfig, *, threads: int, speed: Speed, backend: Backend) -> Session:
    """What runs the graphs of a weights folder.

    Raises:
        WeightsError: a graph cannot be read.
        InputError: the weights cannot be had at that speed or with that backend.
    """
    if speed == "full":
        size = config.limits.tokens_per_batch
        return Session(folder / GRAPH, threads=threads, tokens_per_batch=size, backend=backend)
    if config.fast is None or not (folder / SMALL_GRAPH).is_file():
        raise InputError(
            f'{folder}: has no small graph, so speed "fast" cannot be had; take "full", or teach one with `rida distil`'
        )
    margins = config.fast.margins
    return Cascade(
        folder / GRAPH, folder / SMALL_GRAPH, config=config, margins=margins, threads=threads, backend=backend
    )
