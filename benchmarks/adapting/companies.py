"""Who adapts the weights in this benchmark: one source and one language each, and how far the weights know them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from data.cleaning import says_something
from data.rows import FeedbackRow, Split
from data.sources import read_source

MOST_TEST_ROWS: Final = 1000
"""Enough for intervals of a few points; more would only take longer."""


@dataclass(frozen=True, slots=True)
class Company:
    """A source in one language, and the splits that its taught rows are drawn from.

    `unseen` is true where no row of the source was in the recipe of the shipped weights. Of the others no row of
    the drawn splits was learned: the recipe takes `train` alone.
    """

    source: str
    lang: str
    labels: str
    drawn_from: tuple[Split, ...]
    unseen: bool

    @property
    def name(self) -> str:
        """What its figures are kept under."""
        return f"{self.source}/{self.lang}"


COMPANIES: Final = (
    Company("afrisenti", "ar", "satisfaction of Moroccan and Algerian tweets", ("train",), unseen=True),
    Company("brighter", "en", "anger in social media", ("train",), unseen=True),
    Company("xed", "vi", "anger in film subtitles, projected from English", ("train",), unseen=True),
    Company("ur_emotion", "ur", "anger in social media", ("train",), unseen=True),
    Company("company_reviews_ar", "ar", "satisfaction, from stars", ("validation",), unseen=False),
    Company("fa_snappfood", "fa", "satisfaction with food deliveries", ("validation",), unseen=False),
    Company("vi_uit_vsfc", "vi", "satisfaction and facilities in students' feedback", ("validation",), unseen=False),
    Company("tweets_airline", "en", "satisfaction with airlines", ("validation",), unseen=False),
)


def own_rows(company: Company, data_root: Path, rows: int) -> tuple[list[FeedbackRow], list[Split | None]]:
    """So many rows to teach, whose side is left open but for the test, and test rows; chosen by a hash of their ids.

    Raises:
        ValueError: the source has not that many.
    """
    found = [row for row in read_source(data_root / company.source) if row.lang == company.lang and says_something(row)]
    found.sort(key=lambda row: hashlib.sha256(row.id.encode()).digest())
    taught = [replace(row, split="train") for row in found if row.split in company.drawn_from][:rows]
    if len(taught) < rows:
        raise ValueError(f"{company.name} has only {len(taught)} rows in {', '.join(company.drawn_from)}, not {rows}")
    test = [row for row in found if row.split == "test"][:MOST_TEST_ROWS]
    return [*taught, *test], [*(None for _ in taught), *("test" for _ in test)]


def chosen(names: Sequence[str] | None) -> tuple[Company, ...]:
    """The companies of those names, all without names.

    Raises:
        ValueError: there is none of a name.
    """
    if names is None:
        return COMPANIES
    known = {company.name: company for company in COMPANIES}
    if unknown := set(names) - known.keys():
        raise ValueError(f"no company is named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return tuple(known[name] for name in names)
