"""The labels every part of Rida agrees on, in the order the network emits them."""

from __future__ import annotations

from typing import Final, Literal

Mood = Literal["satisfied", "neutral", "dissatisfied", "angry"]

SATISFACTION: Final = ("satisfied", "neutral", "unhappy")
"""Classes of the satisfaction head; `unhappy` is split by the anger head into two moods."""

MOODS: Final[tuple[Mood, ...]] = ("satisfied", "neutral", "dissatisfied", "angry")

TOPICS: Final = (
    "product_quality",
    "price",
    "delivery",
    "customer_service",
    "billing",
    "returns_warranty",
    "app_website",
    "facility",
)

FIRST_CLASS_LANGUAGES: Final = ("ar", "fa", "vi", "en")
"""Languages measured separately and never traded away for an average."""
