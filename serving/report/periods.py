"""Days put together to periods that are long enough to compare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal

Unit = Literal["day", "week", "month", "quarter", "year"]

UNITS: Final[tuple[Unit, ...]] = ("day", "week", "month", "quarter", "year")
MOST: Final = 62
"""Periods that a chart still shows well."""
FEWEST_TEXTS: Final = 30
"""Texts that a period should hold on average; of fewer, a share says little."""


def choose_unit(first: date, last: date, texts: int) -> Unit:
    """The shortest unit with at most MOST periods and enough texts in them; at least two periods if that can be."""
    best: Unit = "year"
    for unit in reversed(UNITS):
        count = sum(1 for _ in starts(first, last, unit))
        if count > MOST or (count > 1 and texts < FEWEST_TEXTS * count and _several(first, last, best)):
            break
        best = unit
    return best


def _several(first: date, last: date, unit: Unit) -> bool:
    return start_of(first, unit) != start_of(last, unit)


def start_of(day: date, unit: Unit) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday."""
    if unit == "day":
        return day
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1)


def starts(first: date, last: date, unit: Unit) -> Iterator[date]:
    """The first days of all periods from one day to another."""
    start = start_of(first, unit)
    while start <= last:
        yield start
        start = following(start, unit)


def following(start: date, unit: Unit) -> date:
    """The first day of the next period."""
    if unit in ("day", "week"):
        return start + timedelta(days=1 if unit == "day" else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    month = start.month - 1 + months
    return date(start.year + month // 12, month % 12 + 1, 1)


def name_of(start: date, unit: Unit) -> str:
    """A period as people write it."""
    if unit == "day":
        return f"{start.day} {start:%B %Y}"
    if unit == "week":
        return f"week of {start.day} {start:%B %Y}"
    if unit == "month":
        return f"{start:%B %Y}"
    if unit == "quarter":
        return f"Q{(start.month + 2) // 3} {start.year}"
    return str(start.year)


def name_of_run(first: date, last: date, unit: Unit) -> str:
    """Several periods in a row as people write them."""
    if first == last:
        return name_of(first, unit)
    if unit == "week":
        year = "" if first.year == last.year else f" {first.year}"
        return f"weeks of {first.day} {first:%B}{year} to {last.day} {last:%B %Y}"
    return f"{name_of(first, unit)} to {name_of(last, unit)}"
