"""What a teacher, a classifier trained before, says of rows: soft targets beside their own labels.

A source that tells stars or emotions says little of the four moods; the teacher's probabilities say more (Hinton et al.
2015, https://arxiv.org/abs/1503.02531), and of texts that it was not trained on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence, Set
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.cleaning import same_text_key
from data.rows import FeedbackRow
from model.calibration import HeadLogits, mood_probabilities, topic_probabilities
from model.classifier import Classifier
from model.config import Calibration
from model.labels import MOODS, SATISFACTION, TOPICS

log = logging.getLogger(__name__)

MOOD_LOGITS = len(SATISFACTION) + 1
"""What comes before the topics in what a teacher says of a row: satisfaction, then anger of the unhappy."""

SAYS = MOOD_LOGITS + len(TOPICS)
"""Probabilities a row."""

_TEXTS_AT_ONCE = 8192

Taught = npt.NDArray[np.float32]


def taught(texts: Sequence[str], teacher: Classifier) -> Taught:
    """The teacher's calibrated probabilities, (texts, 12); NaN for a text that it cannot read."""
    said = np.full((len(texts), SAYS), np.nan, dtype=np.float32)
    heads, kept = teacher.logits(texts)
    said[kept] = head_probabilities(heads, teacher.info.config.calibration)[:, :SAYS]
    return said


def head_probabilities(heads: HeadLogits, calibration: Calibration) -> Taught:
    """What logits say under a calibration, (texts, 4 + topics), as a network is taught it."""
    moods = mood_probabilities(heads, calibration)
    unhappy = moods[:, MOODS.index("dissatisfied")] + moods[:, MOODS.index("angry")]
    angry = moods[:, MOODS.index("angry")] / unhappy
    topics = topic_probabilities(heads, calibration)
    return np.column_stack([moods[:, :2], unhappy, angry, topics]).astype(np.float32)


def taught_once(rows: Sequence[FeedbackRow], teacher: Classifier, *, untaught: Set[str], folder: Path) -> Taught:
    """What the teacher says of each row, (rows, 12); NaN where its text is among `untaught` (as `same_text_key`).

    Of what it was trained on a teacher is too sure. Its answers are kept in `folder`, so that a resumed run, or one
    that draws more rows, asks only what is new.
    """
    path = folder / f"taught-{teacher.info.sha256[:16]}.npz"
    known: dict[str, Taught] = {}
    if path.exists():
        with np.load(path) as kept:
            known = dict(zip(kept["texts"].tolist(), kept["said"], strict=True))
    asked = {_key(row.text): row.text for row in rows if same_text_key(row.text) not in untaught}
    new = [key for key in asked if key not in known]
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(new), _TEXTS_AT_ONCE):
        part = new[start : start + _TEXTS_AT_ONCE]
        known |= dict(zip(part, taught([asked[key] for key in part], teacher), strict=True))
        fresh = path.with_suffix(".part.npz")
        np.savez(fresh, texts=np.array(list(known)), said=np.array(list(known.values())))
        fresh.replace(path)
        log.info("the teacher has read %d of %d texts", start + len(part), len(new))
    nothing = np.full(SAYS, np.nan, dtype=np.float32)
    return np.array(
        [known[_key(row.text)] if same_text_key(row.text) not in untaught else nothing for row in rows]
    ).reshape(len(rows), SAYS)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
