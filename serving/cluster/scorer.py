"""The scorer that a worker of Ray or Spark holds: rows in, the same rows with the added columns out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import isnan
from typing import Final

import pyarrow as pa

from rida import load
from serving.batch.pipeline import scored_cells
from serving.tables.added import ADDED
from serving.tables.parquet_file import plain_values
from serving.tables.parquet_writer import ADDED_FIELDS

_SPARK_NAMES: Final = {
    "bool": "boolean",
    "list<element: string>": "array<string>",
    "list<item: string>": "array<string>",
}

SPARK_COLUMNS: Final = ", ".join(
    f"{field.name} {_SPARK_NAMES.get(str(field.type), str(field.type))}" for field in ADDED_FIELDS
)
"""The added columns as Spark writes a schema."""


class Scorer:
    """One classifier and the cores it may use; made once by each worker, since loading takes half a second.

    Raises:
        WeightsError: the weights folder is missing or damaged on the worker's machine.
    """

    def __init__(self, *, weights: str | None = None, threads: int = 1, text_column: str = "text") -> None:
        # Tokenizing would take all cores of the machine, which the other workers on it need.
        os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
        self._classifier = load(weights, threads=threads)
        self._text_column = text_column

    def columns(self, texts: Iterable[object]) -> dict[str, list[object]]:
        """The added columns of these texts, in their order; a missing text (None, NaN) is an empty one.

        Texts that repeat are scored once.
        """
        cells = [None if isinstance(text, float) and isnan(text) else text for text in texts]
        rows = scored_cells(self._classifier, cells)
        return {name: [row[name] for row in rows] for name in ADDED}

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows with the added columns after their own."""
        added = self.columns(plain_values(rows.column(self._text_column).combine_chunks()))
        for field in ADDED_FIELDS:
            rows = rows.append_column(field, pa.array(added[field.name], type=field.type))
        return rows
