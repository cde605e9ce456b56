"""From the labels a source uses to the fields of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.errors import SourceError
from data.rows import Sentiment

_SENTIMENT_OF_MOOD: dict[str, Sentiment] = {
    "satisfied": "satisfied",
    "neutral": "neutral",
    "dissatisfied": "dissatisfied",
    "angry": "dissatisfied",
}
_SENTIMENTS = frozenset(_SENTIMENT_OF_MOOD.values())


def sentiment_and_anger(row: Mapping[str, Any]) -> tuple[Sentiment | None, bool | None]:
    """Reads satisfaction and anger from a row's `mood`, else from its `sentiment` and `angry`.

    Raises:
        SourceError: a label is not one of those that the row format knows.
    """
    mood = row.get("mood")
    if mood is not None:
        if mood not in _SENTIMENT_OF_MOOD:
            raise SourceError(f"mood is {mood!r}; use one of {', '.join(_SENTIMENT_OF_MOOD)}")
        return _SENTIMENT_OF_MOOD[mood], mood == "angry"
    sentiment, angry = row.get("sentiment"), row.get("angry")
    if sentiment is not None and sentiment not in _SENTIMENTS:
        raise SourceError(f"sentiment is {sentiment!r}; use one of {', '.join(sorted(_SENTIMENTS))} or null")
    if angry is not None and not isinstance(angry, bool):
        raise SourceError(f"angry is {angry!r}; use true, false or null")
    if angry and sentiment in ("satisfied", "neutral"):
        # A calm rating beside an annotated outburst: people angry *and* satisfied do not exist here.
        return None, None
    return sentiment, angry


def topics(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Reads a row's topics; None where nobody annotated them.

    Raises:
        SourceError: `topics` is neither null nor a list of names.
    """
    named = row.get("topics")
    if named is None:
        return None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise SourceError(f"topics is {named!r}; use a list of names or null")
    return tuple(named)


def covered_topics(row: Mapping[str, Any], by_card: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The topics that whoever annotated a row could have named: its own `topics_covered`, else those of the card.

    Raises:
        SourceError: `topics_covered` is neither null nor a list of names.
    """
    named = row.get("topics_covered")
    if named is None:
        return by_card
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise SourceError(f"topics_covered is {named!r}; use a list of names or null")
    return tuple(named)
