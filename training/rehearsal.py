"""Texts rehearsed beside somebody's own labels, so that what the weights knew before is not forgotten.

They are the texts written for this project (`training/written`), in the first-class languages. Their labels are not
taught again: each is taught as the weights to begin with score it (Li and Hoiem 2016, "Learning without Forgetting",
https://arxiv.org/abs/1606.09282), and so are the heads that somebody's own rows say nothing about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.cleaning import same_text_key
from data.rows import FeedbackRow
from data.sources import read_source
from model.classifier import Classifier
from model.config import Calibration
from training.batches import Encoded
from training.targets import UNKNOWN
from training.teacher import MOOD_LOGITS, Taught, head_probabilities

WRITTEN = Path(__file__).parent / "written"

_HELD_OUT_SHARE = 0.1
"""Of the texts, some are never rehearsed: how much of what was known is kept is measured on them."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Texts to rehearse, and texts to measure on what was kept."""

    rows: list[FeedbackRow]
    held_out: list[FeedbackRow]


def read_rehearsal(beside: Sequence[FeedbackRow]) -> Rehearsal:
    """Reads the texts, without those that stand among the rows `beside`.

    Raises:
        SourceError: the installation lacks them.
    """
    own = {same_text_key(row.text) for row in beside}
    rows = read_source(WRITTEN, validation_share=_HELD_OUT_SHARE)
    kept = [row for row in rows if same_text_key(row.text) not in own]
    return Rehearsal([row for row in kept if row.split == "train"], [row for row in kept if row.split == "validation"])


def taught_as_before(encoded: Encoded, texts: Sequence[str], before: Classifier) -> Taught:
    """What `before` says of each text where its row says nothing, (rows, 4 + topics), NaN elsewhere.

    Moods where the row names neither satisfaction nor anger, anger where it names satisfaction alone, and each topic
    where it does not say, if `before` knows it. Raw probabilities, so that the calibration of `before` fits what comes
    of them.
    """
    taught = np.full((len(texts), MOOD_LOGITS + encoded.topics.shape[1]), np.nan, dtype=np.float32)
    heads, kept = before.logits(texts)
    said = head_probabilities(heads, Calibration())
    taught[kept, : said.shape[1]] = said
    says_anger = encoded.anger != UNKNOWN
    taught[(encoded.satisfaction != UNKNOWN) | says_anger, : MOOD_LOGITS - 1] = np.nan
    taught[says_anger, MOOD_LOGITS - 1] = np.nan
    taught[:, MOOD_LOGITS:][encoded.topics != UNKNOWN] = np.nan
    return taught
