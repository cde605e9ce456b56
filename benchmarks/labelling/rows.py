"""The rows that are measured on: labelled ones that the weights have not learned from, and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from data.rows import FeedbackRow
from data.sources import read_source
from model.calibration import HeadLogits
from model.config import WeightsConfig
from training.embedding import Embedder

ANNOTATED: Final = "annotated"
COMPANIES: Final = ("vi_uit_vsfc", "tweets_airline", "company_reviews_ar", "fa_digikala")
"""Sources that are like one company's labels: one kind of text, one language, labels made for another purpose."""

_MOST: Final = 800  # rows of one of those

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Read:
    """Rows with all that the weights say of them; `vectors` (rows, width)."""

    rows: list[FeedbackRow]
    vectors: Floats
    heads: HeadLogits
    config: WeightsConfig

    def some(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> Read:
        """The rows at some positions."""
        at = np.asarray(positions, dtype=np.int64)
        heads = HeadLogits(*(logits[at] for logits in self.heads))
        return Read([self.rows[position] for position in at], self.vectors[at], heads, self.config)


def annotated(data_root: Path, embedder: Embedder, languages: Sequence[str]) -> Read:
    """Train rows of the annotated source that the weights were not trained on, but only validated.

    They are those that the recipe holds out by a hash of their ids; of rows that were learned from, the weights would
    be too sure.
    """
    share = embedder.info.config.validation_share
    rows = read_source(data_root / ANNOTATED, validation_share=share)
    return _read([row for row in rows if row.split == "validation" and row.lang in languages], embedder)


def company(data_root: Path, embedder: Embedder, source: str) -> Read:
    """The first validation rows of a source that say how satisfied somebody is."""
    rows = [row for row in read_source(data_root / source) if row.split == "validation" and row.sentiment is not None]
    return _read(rows[:_MOST], embedder)


def _read(rows: Sequence[FeedbackRow], embedder: Embedder) -> Read:
    read = embedder.embed([row.text for row in rows])
    return Read([rows[at] for at in read.kept], read.vectors, read.heads, embedder.info.config)
