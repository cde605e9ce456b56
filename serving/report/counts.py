"""What is counted while rows go by, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from model.labels import MOODS
from serving.report.rows import SLOTS, Ints, ScoredRows

CELLS: Final = len(MOODS) * SLOTS
BINS: Final = 10
"""Equal steps of the probability of the mood given, from 0 to 1."""
_MOST_CODES: Final = 20  # scoring has fewer; a column of something else must not fill the memory
MOST_VALUES: Final = 100_000
"""Different values of a column that are counted apart; some 50 MB of memory."""


class Totals:
    """Counts of all rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.errors: Counter[str] = Counter()
        self.truncated = 0
        self.needs_review = np.zeros(len(MOODS), dtype=np.int64)
        self.cells = np.zeros(CELLS, dtype=np.int64)
        self.confidence = np.zeros(BINS, dtype=np.int64)
        self.confidence_sum = 0.0
        self.score_sums = np.zeros(len(MOODS))

    def add(self, rows: ScoredRows) -> None:
        """Count a chunk."""
        self.rows += rows.rows
        for code in rows.errors:
            known = code in self.errors or len(self.errors) < _MOST_CODES
            self.errors[code if known else "other"] += 1
        self.truncated += int(rows.truncated.sum())
        self.needs_review += np.bincount(rows.moods[rows.needs_review], minlength=len(MOODS))
        self.cells += np.bincount(rows.cells, minlength=CELLS)
        confidence = rows.scores[np.arange(len(rows.moods)), rows.moods]
        # The edges are whole numbers after the product, so that 0.7 falls where a reader expects it.
        steps = np.minimum(np.round(confidence * BINS, 6).astype(np.int64), BINS - 1)
        self.confidence += np.bincount(steps, minlength=BINS)
        self.confidence_sum += float(confidence.sum())
        self.score_sums += rows.scores.sum(axis=0)


class Days:
    """Counts of each day from `first` on; `table` has shape (days, CELLS)."""

    def __init__(self, days: int) -> None:
        self.table = np.zeros((days, CELLS), dtype=np.int64)
        self.missing = 0
        self.bad = 0

    def add(self, days: list[int | None], rows: ScoredRows) -> None:
        """Count a chunk's scored rows; `days` are positions in the table, -1 what is no date, None what is empty."""
        self.missing += days.count(None)
        self.bad += days.count(-1)
        _add(self.table, np.array([-1 if day is None else day for day in days], dtype=np.int64), rows)


class Values:
    """Counts of each value of a column, the first MOST_VALUES of them; `table` has shape (values or more, CELLS)."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self.numbers: dict[str, int] = {}
        self.table = np.zeros((64, CELLS), dtype=np.int64)
        self.beyond = np.zeros(CELLS, dtype=np.int64)
        self.missing = np.zeros(CELLS, dtype=np.int64)
        self._most = most

    def add(self, values: list[str], rows: ScoredRows) -> None:
        """Count a chunk's scored rows; an empty value is a missing one."""
        numbers = self.numbers
        room = self._most - len(numbers)
        for value in dict.fromkeys(values):
            if value and value not in numbers and room > 0:
                numbers[value] = len(numbers)
                room -= 1
        if len(numbers) > len(self.table):
            grown = np.zeros((max(2 * len(self.table), len(numbers)), CELLS), dtype=np.int64)
            grown[: len(self.table)] = self.table
            self.table = grown
        found = np.array([numbers.get(value, -1 if value else -2) for value in values], dtype=np.int64)
        _add(self.table, found, rows)
        of_cell = found[rows.cell_rows]
        self.beyond += np.bincount(rows.cells[of_cell == -1], minlength=CELLS)
        self.missing += np.bincount(rows.cells[of_cell == -2], minlength=CELLS)


def _add(table: Ints, numbers: Ints, rows: ScoredRows) -> None:
    """Count each scored row in the line that its number names; in none where that is negative."""
    lines = numbers[rows.cell_rows]
    counted = lines >= 0
    flat = table.reshape(-1)
    np.add.at(flat, lines[counted] * CELLS + rows.cells[counted], 1)
