"""The same texts scored with both weights, one lot after the other in turns, so that both meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.calibration import HeadLogits
from model.classifier import Classifier
from serving.tables.progress import Show
from serving.teaching.comparison.content import Unscored
from training.reading import Reading, reading_of

_LOT_TEXTS = 256
_WARM_UP = ("The parcel came on time, thank you!",)


@dataclass(frozen=True, slots=True)
class Scored:
    """What both say of the texts at positions `kept`, which both can score, and how many texts a second each takes."""

    kept: npt.NDArray[np.int64]
    first: Reading
    second: Reading
    unscored: Unscored
    texts_per_second: tuple[float, float]


def score_both(texts: Sequence[str], first: Classifier, second: Classifier, show: Show) -> Scored:
    """Scores texts; `show` is told how far it has come."""
    both = (first, second)
    found: tuple[list[HeadLogits], list[HeadLogits]] = ([], [])
    sound = np.zeros((2, len(texts)), dtype=np.bool_)
    seconds = [0.0, 0.0]
    for classifier in both:
        classifier.classify(_WARM_UP)
    for number, start in enumerate(range(0, len(texts), _LOT_TEXTS)):
        lot = texts[start : start + _LOT_TEXTS]
        # Who goes first finds the caches as the other left them, so they take turns at it.
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            began = time.perf_counter()
            heads, kept = both[which].logits(lot)
            seconds[which] += time.perf_counter() - began
            together = np.column_stack([heads.satisfaction, heads.anger, heads.topics])
            finite: npt.NDArray[np.bool_] = np.all(np.isfinite(together), axis=1)
            sound[which, start + np.array(kept, dtype=np.int64)[finite]] = True
            found[which].append(HeadLogits(*(logits[finite] for logits in heads)))
        show(min(start + _LOT_TEXTS, len(texts)), min(1.0, (start + _LOT_TEXTS) / len(texts)))
    common: npt.NDArray[np.bool_] = np.all(sound, axis=0)
    readings = [
        reading_of(
            HeadLogits(*(np.concatenate(parts)[common[sound[which]]] for parts in zip(*found[which], strict=True))),
            both[which].info.config,
        )
        for which in (0, 1)
    ]
    return Scored(
        kept=np.flatnonzero(common),
        first=readings[0],
        second=readings[1],
        unscored=Unscored(
            first=int((~sound[0] & sound[1]).sum()),
            second=int((sound[0] & ~sound[1]).sum()),
            both=int((~sound).all(axis=0).sum()),
        ),
        texts_per_second=(len(texts) / max(seconds[0], 1e-9), len(texts) / max(seconds[1], 1e-9)),
    )
