"""Whether 3/4/2025 is a day of March or of April, which only all cells of a column together can tell."""

from __future__ import annotations

from collections.abc import Iterable

from model.errors import InputError
from serving.report.counts import Days
from serving.report.dates import FIRST, LAST, Reading, is_missing, read_both
from serving.report.rows import ScoredRows


class DaysInEitherOrder:
    """Counts of each day from FIRST on: with the day read first and, once a cell makes a difference, with the month."""

    def __init__(self) -> None:
        self._day_first = Days((LAST - FIRST).days + 1)
        self._month_first: Days | None = None
        self._only_day_first = 0
        self._only_month_first = 0

    def add(self, values: Iterable[object], rows: ScoredRows) -> None:
        """Count a chunk's scored rows by the cells that hold their dates."""
        readings = [None if is_missing(value) else read_both(value) for value in values]
        # Most columns are read alike in both orders, and are counted once.
        differing = [
            reading for reading in readings if reading is not None and reading.day_first != reading.month_first
        ]
        if differing and self._month_first is None:
            self._month_first = self._day_first.copied()
        self._only_day_first += sum(reading.month_first is None for reading in differing)
        self._only_month_first += sum(reading.day_first is None for reading in differing)
        self._day_first.add([_position(reading, month_first=False) for reading in readings], rows)
        if self._month_first is not None:
            self._month_first.add([_position(reading, month_first=True) for reading in readings], rows)

    def settled(self, column: str) -> tuple[Days, bool]:
        """The counts in the order that reads more of the cells, and whether that is a guess for the day.

        Raises:
            InputError: Each order reads cells that the other cannot.
        """
        if self._only_day_first and self._only_month_first:
            raise InputError(
                f"column '{column}' mixes orders: {self._only_day_first:,} of its dates can only be read with the "
                f"day first, and {self._only_month_first:,} only with the month first, so that 3/4/2025 may be "
                "either. Write them as 2025-03-31, or name another column with --date-column."
            )
        if self._month_first is None or self._only_day_first:
            return self._day_first, False
        if self._only_month_first:
            return self._month_first, False
        return self._day_first, True


def _position(reading: Reading | None, *, month_first: bool) -> int | None:
    """The line of a table of days: None for an empty cell, -1 for one that names no day."""
    if reading is None:
        return None
    day = reading.month_first if month_first else reading.day_first
    return -1 if day is None else (day - FIRST).days
