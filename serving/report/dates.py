"""Days read from cells, and the column that holds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Final, Literal

from model.errors import InputError
from serving.tables.table import Chunk, Say, names

FIRST: Final = date(1990, 1, 1)
LAST: Final = date(2099, 12, 31)
"""Days outside are taken for mistakes; a missing date is often written as 1970, 1900 or 0001."""

Order = Literal["day first", "month first"]
ReadDate = Callable[[object], date | None]

_TIME: Final = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.DOTALL)
_YEAR_LAST: Final = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.DOTALL)
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9},? )?"
_NAMED: Final = re.compile(rf"{_WEEKDAY}(\d{{1,2}})[ -]([A-Za-z]{{3,9}})\.?,?[ -](\d{{4}}){_TIME}", re.DOTALL)
_NAMED_FIRST: Final = re.compile(rf"{_WEEKDAY}([A-Za-z]{{3,9}})\.? (\d{{1,2}}),? (\d{{4}}){_TIME}", re.DOTALL)
_BARE: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SECONDS: Final = re.compile(r"\d{9,10}(?:\.\d+)?")
_MILLISECONDS: Final = re.compile(r"\d{12,13}")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST: Final = 64
_MOST: Final = 0.9


def read_date(value: object, order: Order) -> date | None:
    """The day that a cell names, as written there and without any change of time zone; None if it names none.

    Reads dates and times as such, ISO 8601, years first or last between - / or ., English names of months,
    and YYYYMMDD. `order` holds for numbers around - and /; around dots the day comes first.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    return _separated(value.strip(), order) or _compact(value.strip())


def _separated(text: str, order: Order) -> date | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(found[1], found[3], found[4])
    if found := _YEAR_LAST.fullmatch(text):
        if order == "day first" or found[2] == ".":
            return _day(found[4], found[3], found[1])
        return _day(found[4], found[1], found[3])
    if found := _NAMED.fullmatch(text):
        return _day(found[3], _month(found[2]), found[1])
    if found := _NAMED_FIRST.fullmatch(text):
        return _day(found[3], _month(found[1]), found[2])
    return None


def _compact(text: str) -> date | None:
    found = _BARE.fullmatch(text)
    return _day(found[1], found[2], found[3]) if found else None


def _month(name: str) -> int:
    start = name[:3].lower()
    return _MONTHS.index(start) + 1 if start in _MONTHS else 0


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _since_1970(value: object) -> date | None:
    """Seconds or milliseconds since 1970, as databases count."""
    text = str(value).strip() if isinstance(value, (int, float, str)) else ""
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC).date()
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC).date()
    return None


def date_reader(name: str, column: str, values: Iterable[object], say: Say) -> ReadDate:
    """A reader for a column, judged by its first values; what had to be guessed goes to `say`.

    Raises:
        InputError: There are values, and none of them is a date.
    """
    filled = [value for value in values if value not in (None, "")]
    order = _order(name, column, filled, say)

    def read(value: object) -> date | None:
        found = read_date(value, order) or _since_1970(value)
        return found if found and FIRST <= found <= LAST else None

    if filled and not any(read(value) for value in filled):
        raise InputError(
            f"{name}: column '{column}' (--date-column) holds no dates from {FIRST.year} to {LAST.year}. "
            "Write them as 2025-03-31."
        )
    return read


def _order(name: str, column: str, filled: list[object], say: Say) -> Order:
    matches = [_YEAR_LAST.fullmatch(value.strip()) for value in filled if isinstance(value, str)]
    pairs = [(int(found[1]), int(found[3])) for found in matches if found and found[2] != "."]
    days_first = sum(first > 12 for first, _ in pairs)
    months_first = sum(second > 12 for _, second in pairs)
    if pairs and days_first == months_first:
        say(f"{name}: dates like 3/4/2025 in column '{column}' are read with the day first (a guess).")
    return "month first" if months_first > days_first else "day first"


def find_date_column(name: str, first: Chunk, candidates: Iterable[str], say: Say) -> str | None:
    """The column of dates: the one named `date`, else the only one that holds dates; said aloud."""
    found = [column for column in candidates if _holds_dates(first.column(column))]
    if "date" in found or len(found) == 1:
        chosen = "date" if "date" in found else found[0]
        say(f"{name}: dates are read from column '{chosen}'.")
        return chosen
    if found:
        say(
            f"{name}: several columns hold dates: {names(found)}. Name one with --date-column to see changes over time."
        )
    return None


def _holds_dates(values: list[object]) -> bool:
    filled = [value for value in values if value not in (None, "")]
    dates = sum(
        isinstance(value, date)
        or (isinstance(value, str) and len(value) <= _LONGEST and _separated(value.strip(), "day first") is not None)
        or (isinstance(value, str) and len(value) <= _LONGEST and _separated(value.strip(), "month first") is not None)
        for value in filled
    )
    return bool(filled) and dates >= _MOST * len(filled)
