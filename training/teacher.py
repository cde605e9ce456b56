"""What a teacher, a classifier trained before, says of rows: soft targets beside their own labels.

A source that tells stars or emotions says little of the four moods; the teacher's probabilities say more (Hinton et al.
2015, https://arxiv.org/abs/1503.02531), and of texts that it was not trained on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow
from model.calibration import mood_probabilities, topic_probabilities
from model.classifier import Classifier
from model.labels import MOODS, SATISFACTION, TOPICS

log = logging.getLogger(__name__)

SAYS = len(SATISFACTION) + 1 + len(TOPICS)
"""Probabilities a row: satisfaction, then anger of the unhappy, then topics."""

_ROWS_AT_ONCE = 4096

Taught = npt.NDArray[np.float32]


def taught(rows: Sequence[FeedbackRow], teacher: Classifier, *, untaught: Sequence[str]) -> Taught:
    """The teacher's calibrated probabilities, (rows, 12).

    Rows of the sources in `untaught`, and texts without a legible character, are all NaN: of what it was trained on,
    a teacher is too sure.
    """
    said = np.full((len(rows), SAYS), np.nan, dtype=np.float32)
    asked = np.array([at for at, row in enumerate(rows) if row.source not in untaught], dtype=np.int64)
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        part = asked[start : start + _ROWS_AT_ONCE]
        heads, kept = teacher.logits([rows[at].text for at in part])
        moods = mood_probabilities(heads, teacher.calibration)
        unhappy = moods[:, MOODS.index("dissatisfied")] + moods[:, MOODS.index("angry")]
        said[part[kept]] = np.column_stack(
            [moods[:, :2], unhappy, moods[:, MOODS.index("angry")] / unhappy,
             topic_probabilities(heads, teacher.calibration)],
        )  # fmt: skip
        log.info("the teacher has read %d of %d rows", start + len(part), len(asked))
    return said


def taught_once(rows: Sequence[FeedbackRow], teacher: Classifier, *, untaught: Sequence[str], folder: Path) -> Taught:
    """As `taught`, kept in `folder`, so that a resumed run, or one that draws more rows, asks only what is new."""
    path = folder / f"taught-{teacher.info.sha256[:16]}.npz"
    known: dict[bytes, Taught] = {}
    if path.exists():
        with np.load(path) as kept:
            known = dict(zip(kept["texts"].tolist(), kept["said"], strict=True))
    keys = [hashlib.sha256(row.text.encode()).digest()[:16] for row in rows]
    new = [at for at, row in enumerate(rows) if row.source not in untaught and keys[at] not in known]
    if new:
        asked = taught([rows[at] for at in new], teacher, untaught=())
        known |= {keys[at]: said for at, said in zip(new, asked, strict=True)}
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, texts=np.array(list(known)), said=np.array(list(known.values())))
        part.replace(path)
    nothing = np.full(SAYS, np.nan, dtype=np.float32)
    return np.array(
        [nothing if row.source in untaught else known[key] for row, key in zip(rows, keys, strict=True)]
    ).reshape(len(rows), SAYS)
