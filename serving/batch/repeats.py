"""Texts that come again are scored once.

Which texts of a chunk are scored depends on the chunks before it and on nothing else, neither on time nor on threads:
scores differ in their last bits with the micro-batch they are computed in, and a run that was stopped and goes on must
give what a run that was not would have given.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from model.prediction import Rejection
from serving.batch.results import Result, kept

REMEMBERED: Final = 65_536
"""Distinct texts whose results are remembered, those longest unseen forgotten first; about 40 MB."""

_DIGEST_BYTES: Final = 16


@dataclass(slots=True)
class _Slot:
    """Where a result will stand, for all rows with the same text."""

    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A chunk's rows: `fresh` are the texts to score, `fresh_rows` where among the rows they stand first."""

    fresh: list[object]
    fresh_rows: list[int]
    slots: list[_Slot]

    def fill(self, results: Sequence[Result]) -> None:
        """Take the results of the fresh texts."""
        for row, result in zip(self.fresh_rows, results, strict=True):
            self.slots[row].result = kept(result)

    def results(self) -> list[Result]:
        """The results of all rows, once this plan and those before it are filled."""
        return [_there(slot) for slot in self.slots]


class Repeats:
    """Plans chunk after chunk which texts are scored."""

    def __init__(self) -> None:
        self._slots: OrderedDict[bytes, _Slot] = OrderedDict()

    def plan(self, texts: Sequence[object], rejected: Mapping[int, Rejection]) -> Planned:
        """Plan one chunk; rows that are `rejected` already have no text to score."""
        planned = Planned([], [], [])
        for row, text in enumerate(texts):
            if row in rejected:
                planned.slots.append(_Slot(kept(rejected[row])))
                continue
            slot, is_fresh = self._slot(text)
            planned.slots.append(slot)
            if is_fresh:
                planned.fresh.append(text)
                planned.fresh_rows.append(row)
        return planned

    def _slot(self, text: object) -> tuple[_Slot, bool]:
        if not isinstance(text, str):
            return _Slot(), True
        key = _key(text)
        slot = self._slots.get(key)
        if slot is not None:
            self._slots.move_to_end(key)
            return slot, False
        self._slots[key] = slot = _Slot()
        if len(self._slots) > REMEMBERED:
            self._slots.popitem(last=False)
        return slot, True


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _there(slot: _Slot) -> Result:
    if slot.result is None:
        raise RuntimeError("a result was asked for before its chunk was scored")
    return slot.result
