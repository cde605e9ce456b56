"""Texts kept while rows go by, to choose examples from: a fair sample of the different ones."""

from __future__ import annotations

import hashlib
import heapq
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from model.labels import MOODS, Mood
from serving.output import plain
from serving.report.rows import ScoredRows
from serving.report.slots import NO_TOPIC

KEPT: Final = 48
"""Different texts kept of each mood and topic."""
_NUMBER: Final = re.compile(r"\d+")
_READ: Final = 1_000
"""Characters kept of a text: more than are shown."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, safe to show on one line, what was predicted of it, and its language where a column names it."""

    text: str
    mood: Mood
    probability: float
    language: str | None = None


@dataclass(slots=True)
class _Bottom:
    """The texts with the smallest hashes: every different text has the same chance, however often it comes.

    So the same rows give the same sample, and a text that comes a thousand times does not crowd out the
    others (Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007).
    """

    heap: list[tuple[int, Example]] = field(default_factory=list)  # hashes are negated: the largest is on top
    hashes: set[int] = field(default_factory=set)

    def wants(self, number: int) -> bool:
        """Whether a text with this hash would be kept."""
        return (len(self.heap) < KEPT or number < -self.heap[0][0]) and number not in self.hashes

    def add(self, number: int, example: Example) -> None:
        """Keep a text, and let go of the one with the largest hash."""
        self.hashes.add(number)
        if len(self.heap) < KEPT:
            heapq.heappush(self.heap, (-number, example))
        else:
            dropped, _ = heapq.heappushpop(self.heap, (-number, example))
            self.hashes.discard(-dropped)


class Sample:
    """Texts of each mood and topic of which the model is sure."""

    def __init__(self) -> None:
        self._kept: list[dict[int, _Bottom]] = [defaultdict(_Bottom) for _ in MOODS]

    def add(self, texts: list[object], languages: list[str] | None, rows: ScoredRows) -> None:
        """Offer a chunk's scored rows."""
        for index, text in enumerate(texts):
            if not isinstance(text, str) or rows.needs_review[index]:
                continue
            mood = int(rows.moods[index])
            key = _key(text)
            wanting = [slot for slot in rows.topics[index] or (NO_TOPIC,) if self._kept[mood][slot].wants(key)]
            if not wanting:
                continue
            shown = plain(text[:_READ])
            if not shown:
                continue
            language = languages[index] if languages else None
            example = Example(shown, MOODS[mood], float(rows.scores[index, mood]), language or None)
            for slot in wanting:
                self._kept[mood][slot].add(key, example)

    def texts(self, mood: int, slot: int) -> list[Example]:
        """The texts kept, in an order that depends on nothing but them."""
        return [example for _, example in sorted(self._kept[mood][slot].heap, key=lambda kept: -kept[0])]


def _key(text: str) -> int:
    """Equal for texts that differ in case, spacing, numbers or the form of their letters alone."""
    seen = _NUMBER.sub("0", " ".join(unicodedata.normalize("NFKC", text[:_READ]).casefold().split()))
    return int.from_bytes(hashlib.blake2b(seen.encode("utf-8", "replace"), digest_size=8).digest())
