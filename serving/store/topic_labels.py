"""The labels that conversations get in other systems: one for each mood and topic."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from model.labels import MOODS, TOPICS

_PREFIX: Final = "rida-"
_DIGEST: Final = 6

LABELS: Final = frozenset(f"{_PREFIX}{name}" for name in (*MOODS, *TOPICS))
"""Those that are ours to set and to take away, whatever the weights."""


def mood_label(mood: str) -> str:
    """The label of a mood."""
    return f"{_PREFIX}{mood}"


def topic_labels(topics: Iterable[str]) -> dict[str, str]:
    """The label of each topic, in the order given; no two are alike, nor like that of a mood.

    A name is written as Chatwoot takes it, the strictest of all: small letters and digits of any script, `_` and `-`.
    Where that leaves nothing, or what another has already, a digest of the name follows.
    """
    found: dict[str, str] = {}
    taken = set(LABELS)
    for topic in topics:
        label = f"{_PREFIX}{topic}" if topic in TOPICS else _label(topic, taken)
        taken.add(label)
        found[topic] = label
    return found


def _label(topic: str, taken: set[str]) -> str:
    word = _word(topic)
    label = f"{_PREFIX}{word}"
    if word and label not in taken:
        return label
    return f"{_PREFIX}{word or 'topic'}_{hashlib.sha256(topic.encode()).hexdigest()[:_DIGEST]}"


def _word(topic: str) -> str:
    kept = "".join(map(_kept, unicodedata.normalize("NFKC", topic).lower()))
    return re.sub("_+", "_", kept).strip("_-")


def _kept(character: str) -> str:
    if character.isalnum() or character == "-":
        return character
    # Vowel signs and joiners belong to the letter before them; anything else parts words.
    return "" if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") else "_"
