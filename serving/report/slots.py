"""Where the texts of each topic are counted; own topics get their places as the rows that name them go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from model.labels import MAX_OWN_TOPICS, MOODS, TOPICS, own_topic_fault

SLOTS: Final = len(TOPICS) + 2
"""Slots that are always there: all texts of a mood, those with each topic of all weights, and those with none."""
ALL: Final = 0
NO_TOPIC: Final = SLOTS - 1
CELLS: Final = len(MOODS) * SLOTS
"""Cells of these slots, one for each mood."""

TOPIC_SLOTS: Final[Mapping[str, int]] = {topic: slot for slot, topic in enumerate(TOPICS, start=1)}
_KNOWN: Final = 4096
_LONGEST_KNOWN: Final = 1000
"""Cells that are remembered, and the most characters of each: a few megabytes together, whatever the file holds."""
_FIRST_ROOM: Final = 8


class Slots:
    """The slot of each topic met so far. Texts of a mood with a topic are counted in the cell slot · moods + mood.

    What weights may have other topics cannot be known beforehand, so any name that an own topic may have becomes one,
    up to MAX_OWN_TOPICS of them.
    """

    def __init__(self) -> None:
        self._own: dict[str, int] = {}
        self._read: Callable[[str], tuple[int, ...] | None] = lru_cache(maxsize=_KNOWN)(self._split)

    @property
    def by_topic(self) -> dict[str, int]:
        """The slot of each topic: those of all weights, then own ones by name."""
        return {**TOPIC_SLOTS, **{topic: self._own[topic] for topic in sorted(self._own)}}

    @property
    def own(self) -> int:
        """How many own topics were met."""
        return len(self._own)

    @property
    def cells(self) -> int:
        """Cells that a table needs to count in; it grows in few steps, as every table is copied then."""
        room = 0
        while room < len(self._own):
            room = max(_FIRST_ROOM, 2 * room)
        return CELLS + len(MOODS) * room

    def of(self, value: object) -> tuple[int, ...] | None:
        """The slots of the topics in a cell; None where it holds what scoring does not write."""
        joined = _joined(value)
        if joined is None:
            return None
        return self._read(joined) if len(joined) <= _LONGEST_KNOWN else self._split(joined)

    def fault(self, value: object) -> str:
        """What is wrong with a cell that `of` gives None for; nothing of the cell is repeated."""
        joined = _joined(value)
        if joined is None:
            return "column 'topics' holds no topics"
        for name in _names(joined):
            if name not in TOPIC_SLOTS and (fault := own_topic_fault(name)):
                return f"a topic {fault}"
        return (
            f"with this row there are more than {MAX_OWN_TOPICS} topics beside {', '.join(TOPICS)}, and no weights "
            "have as many"
        )

    def _split(self, joined: str) -> tuple[int, ...] | None:
        slots = [self._slot(name) for name in _names(joined)]
        known = [slot for slot in slots if slot is not None]
        return tuple(dict.fromkeys(known)) if len(known) == len(slots) else None

    def _slot(self, name: str) -> int | None:
        slot = TOPIC_SLOTS.get(name) or self._own.get(name)
        if slot is None and len(self._own) < MAX_OWN_TOPICS and own_topic_fault(name) is None:
            slot = self._own[name] = SLOTS + len(self._own)
        return slot


def _joined(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return ";".join(value)
    return None


def _names(joined: str) -> list[str]:
    return [name.strip() for name in joined.split(";") if name.strip()]
