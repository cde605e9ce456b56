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
"""The topics that every weights folder has, first and in this order; own ones come after them."""

MAX_OWN_TOPICS: Final = 100
"""Topics that a weights folder may have beside TOPICS."""

_MAX_TOPIC_NAME: Final = 60
_JOINERS: Final = "\u200c\u200d"  # invisible, but Persian and many a script of India cannot be written without

FIRST_CLASS_LANGUAGES: Final = ("ar", "fa", "vi", "en")
"""Languages measured separately and never traded away for an average."""


def own_topic_fault(name: str) -> str | None:
    """Why `name` cannot be the name of an own topic, as the end of a sentence; None where it can."""
    if name in TOPICS:
        return "is one of the topics that every weights folder has"
    if not name or name != name.strip() or name != name.strip(_JOINERS):
        return "is empty, or begins or ends with white space"
    if len(name) > _MAX_TOPIC_NAME:
        return f"is longer than {_MAX_TOPIC_NAME} characters"
    if ";" in name:
        return "holds a semicolon, which separates topics in a CSV file"
    if not "".join(character for character in name if character not in _JOINERS).isprintable():
        return "holds a control character or an invisible one"
    return None
