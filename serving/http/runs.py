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
"""The logits of one window, or why there are none."""


def score(classifier: Classifier, batch: Sequence[Entry]) -> list[Scored]:
    """Logits of each window of a micro-batch, in its order.

    If anything is wrong with a run that several requests share, each is scored by itself, so that nobody's answer
    depends on the text of somebody else.
    """
    rows = _rows(classifier, batch)
    if not isinstance(rows, Exception):
        return list(rows)
    jobs = jobs_of(batch)
    if len(jobs) == 1:
        return [rows] * len(batch)
    own: dict[int, Scored] = {}
    for job in jobs:
        places = [place for place, entry in enumerate(batch) if entry.job is job]
        of_job = _rows(classifier, [batch[place] for place in places])
        own |= {place: of_job if isinstance(of_job, Exception) else of_job[row] for row, place in enumerate(places)}
    return [own[place] for place in range(len(batch))]


def jobs_of(batch: Sequence[Entry]) -> list[Job]:
    """The requests that have a window in a micro-batch, each once."""
    return list(dict.fromkeys(entry.job for entry in batch))


def _rows(classifier: Classifier, batch: Sequence[Entry]) -> npt.NDArray[np.float32] | Exception:
    try:
        rows = classifier.score_windows([entry.window for entry in batch])
    except Exception as error:
        return error
    if rows.shape[0] != len(batch) or not np.isfinite(rows).all():
        return ArithmeticError("the model gave a score that is no number")
    return rows
