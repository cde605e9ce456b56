"""What is counted while rows go by, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np

from model.labels import MOODS
from serving.report.rows import Ints, ScoredRows
from serving.report.slots import ALL, CELLS

EVERY_MOOD: Final = slice(ALL * len(MOODS), (ALL + 1) * len(MOODS))
"""The cells that count each text once."""
BINS: Final = 10
"""Equal steps of the probability of the mood given, from 0 to 1."""
_MOST_CODES: Final = 20  # scoring has fewer; a column of something else must not fill the memory
MOST_VALUES: Final = 100_000
"""Different values of a column that are counted apart; some 50 MB of memory. Where there are own topics, fewer."""


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
        self.cells = _widened(self.cells, rows.width)
        self.cells += np.bincount(rows.cells, minlength=rows.width)
        confidence = rows.scores[np.arange(len(rows.moods)), rows.moods]
        # The edges are whole numbers after the product, so that 0.7 falls where a reader expects it.
        steps = np.minimum(np.round(confidence * BINS, 6).astype(np.int64), BINS - 1)
        self.confidence += np.bincount(steps, minlength=BINS)
        self.confidence_sum += float(confidence.sum())
        self.score_sums += rows.scores.sum(axis=0)


class Days:
    """Counts of each day from `first` on; `table` has shape (days, cells)."""

    def __init__(self, days: int) -> None:
        self.table = np.zeros((days, CELLS), dtype=np.int64)
        self.missing = 0
        self.bad = 0

    def add(self, days: list[int | None], rows: ScoredRows) -> None:
        """Count a chunk's scored rows; `days` are positions in the table, -1 what is no date, None what is empty."""
        self.missing += days.count(None)
        self.bad += days.count(-1)
        self.table = _widened(self.table, rows.width)
        _add(self.table, np.array([-1 if day is None else day for day in days], dtype=np.int64), rows)

    def copied(self) -> Days:
        """The same counts, to be gone on with apart."""
        copy = Days(0)
        copy.table = _widened(self.table, self.table.shape[1], copied=True)
        copy.missing, copy.bad = self.missing, self.bad
        return copy


class Values:
    """Counts of each value of a column, the first MOST_VALUES of them; `table` has shape (values or more, cells)."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self.numbers: dict[str, int] = {}
        self.table = np.zeros((64, CELLS), dtype=np.int64)
        self.beyond = np.zeros(CELLS, dtype=np.int64)
        self.missing = np.zeros(CELLS, dtype=np.int64)
        self._most = most

    def add(self, values: list[str], rows: ScoredRows) -> None:
        """Count a chunk's scored rows; an empty value is a missing one."""
        if rows.width > self.table.shape[1]:
            self._widen(rows.width)
        numbers = self.numbers
        room = self._most_lines() - len(numbers)
        for value in dict.fromkeys(values):
            if value and value not in numbers and room > 0:
                numbers[value] = len(numbers)
                room -= 1
        if len(numbers) > len(self.table):
            grown = np.zeros((max(2 * len(self.table), len(numbers)), rows.width), dtype=np.int64)
            grown[: len(self.table)] = self.table
            self.table = grown
        found = np.array([numbers.get(value, -1 if value else -2) for value in values], dtype=np.int64)
        _add(self.table, found, rows)
        of_cell = found[rows.cell_rows]
        self.beyond += np.bincount(rows.cells[of_cell == -1], minlength=rows.width)
        self.missing += np.bincount(rows.cells[of_cell == -2], minlength=rows.width)

    def _widen(self, width: int) -> None:
        """Make room for own topics; values that are then too many for the memory go to those beyond, the last ones."""
        self.beyond, self.missing = _widened(self.beyond, width), _widened(self.missing, width)
        most = self._most * CELLS // width
        self.beyond[: self.table.shape[1]] += self.table[most:].sum(axis=0)
        self.numbers = {value: number for value, number in self.numbers.items() if number < most}
        self.table = _widened(self.table[: max(most, 1)], width)

    def _most_lines(self) -> int:
        return self._most * CELLS // self.table.shape[1]


def _widened(table: Ints, width: int, *, copied: bool = False) -> Ints:
    """The table with `width` cells to a line; lines that count nothing take up no memory."""
    if width == table.shape[-1] and not copied:
        return table
    wide = np.zeros((*table.shape[:-1], width), dtype=np.int64)
    if table.ndim == 1:
        wide[: len(table)] = table
    else:
        used = np.flatnonzero(table.any(axis=1))
        wide[used, : table.shape[1]] = table[used]
    return wide


def _add(table: Ints, numbers: Ints, rows: ScoredRows) -> None:
    """Count each scored row in the line that its number names; in none where that is negative."""
    lines = numbers[rows.cell_rows]
    counted = lines >= 0
    flat = table.reshape(-1)
    np.add.at(flat, lines[counted] * rows.width + rows.cells[counted], 1)
