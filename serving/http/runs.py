"""One run of the model for several requests, of which none is to notice the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from serving.http.queue import Entry, Job

if TYPE_CHECKING:
    from model.classifier import Classifier

Scored = npt.NDArray[np.float32] | Exception
"""The logits of one window, or why it could not be run."""


def score(classifier: Classifier, batch: Sequence[Entry]) -> list[Scored]:
    """Logits of each window of a micro-batch, in its order; NaN where the model gives no number.

    If anything is wrong with a run of several windows, each is scored by itself, so that nobody's answer depends on the
    text of somebody else.
    """
    try:
        rows = classifier.score_windows([entry.window for entry in batch])
    except Exception as error:
        scored: list[Scored] = [error] * len(batch)
        sound = False
    else:
        scored = list(rows)
        sound = bool(np.isfinite(rows).all())
    if sound or len(batch) == 1:
        return scored
    return [score(classifier, [entry])[0] for entry in batch]


def jobs_of(batch: Sequence[Entry]) -> list[Job]:
    """The requests that have a window in a micro-batch, each once."""
    return list(dict.fromkeys(entry.job for entry in batch))
