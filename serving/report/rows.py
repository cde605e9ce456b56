"""The columns that scoring added, read back and checked, a chunk at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.labels import MOODS
from serving.report.slots import NO_TOPIC, Slots
from serving.tables.added import ADDED
from serving.tables.table import Chunk, Table, names

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOOD_NUMBERS: Final = {mood: number for number, mood in enumerate(MOODS)}
_CODE: Final = re.compile(r"([a-z][a-z_]{0,40}):")
_ROUNDING: Final = 0.01  # probabilities are written with six digits, and some programs keep fewer
_CHANGED: Final = "Was the file changed after rida score wrote it?"


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """What a chunk of `rows` rows holds, m of them scored.

    `scored` are their positions in the chunk, `moods` (m) count into MOODS, `scores` (m, 4) are
    probabilities, `topics` (m) hold slots. Each of the k pairs of `cells` and `cell_rows` says that a row
    counts in a cell, of which there are `width` by now; see `Slots`. `errors` are the codes of the rows that have none
    of this.
    """

    rows: int
    scored: Ints
    moods: Ints
    scores: Floats
    topics: list[tuple[int, ...]]
    needs_review: Bools
    truncated: Bools
    errors: list[str]
    cells: Ints
    cell_rows: Ints
    width: int


def check_scored(table: Table, first: Chunk) -> None:
    """Raise InputError if an input has not the columns that scoring adds."""
    missing = [name for name in ADDED if name not in first.columns]
    if missing:
        raise InputError(
            f"{table.name} is not an output of rida score: it has no column {names(missing)}. "
            "Score it first: rida score IN --output OUT."
        )


def read_rows(chunk: Chunk, slots: Slots) -> ScoredRows:
    """Read the added columns of a chunk; own topics that are new get a slot.

    Raises:
        InputError: A row holds what scoring does not write. The message tells the place and no value.
    """
    reasons = chunk.column("error")
    scored = [index for index, reason in enumerate(reasons) if reason is None or reason == ""]
    errors = [_code(reason) for reason in reasons if reason is not None and reason != ""]

    def picked(name: str) -> list[Any]:
        values = chunk.column(name)
        return values if len(scored) == len(values) else [values[index] for index in scored]

    moods = _looked_up(chunk, scored, picked("mood"), _mood, _no_mood)
    topics = _looked_up(chunk, scored, picked("topics"), slots.of, slots.fault)
    numbers = np.array(moods, dtype=np.int64)
    cells, cell_rows = _cells(moods, topics)
    return ScoredRows(
        rows=len(chunk),
        scored=np.array(scored, dtype=np.int64),
        moods=numbers,
        scores=_scores(chunk, scored, [picked(mood) for mood in MOODS]),
        topics=topics,
        needs_review=_flags(chunk, scored, "needs_review", picked("needs_review")),
        truncated=_flags(chunk, scored, "truncated", picked("truncated")),
        errors=errors,
        cells=cells,
        cell_rows=cell_rows,
        width=slots.cells,
    )


def _code(reason: object) -> str:
    found = _CODE.match(str(reason))
    return found[1] if found else "other"


def _mood(value: object) -> int | None:
    return _MOOD_NUMBERS.get(value) if isinstance(value, str) else None  # type: ignore[call-overload]


def _no_mood(_: object) -> str:
    return f"mood is none of {', '.join(MOODS)}"


def _looked_up(
    chunk: Chunk, scored: list[int], values: list[Any], read: Callable[[object], Any], fault: Callable[[object], str]
) -> list[Any]:
    found = [read(value) for value in values]
    if None in found:
        place = found.index(None)
        at, wrong = scored[place], fault(values[place])
        if chunk.column("mood")[at] in (None, ""):
            wrong = "there is neither a mood nor an error"
        raise InputError(f"{chunk.where(at)}: {wrong}. {_CHANGED}")
    return found


def _scores(chunk: Chunk, scored: list[int], columns: list[list[Any]]) -> Floats:
    """The probabilities, shape (m, 4)."""
    table = np.empty((len(scored), len(MOODS)))
    for number, (mood, values) in enumerate(zip(MOODS, columns, strict=True)):
        read = _numbers(values)
        if read is None or read.ndim != 1:
            at = next(place for place, value in zip(scored, values, strict=True) if not _is_number(value))
            raise InputError(f"{chunk.where(at)}: column '{mood}' holds no number. {_CHANGED}")
        table[:, number] = read
        outside = ~((table[:, number] >= 0) & (table[:, number] <= 1))  # so that NaN is outside
        if outside.any():
            at = scored[int(outside.argmax())]
            raise InputError(
                f"{chunk.where(at)}: column '{mood}' must hold a probability, from 0 to 1, and does not. {_CHANGED}"
            )
    off = np.abs(table.sum(axis=1) - 1) > _ROUNDING
    if off.any():
        at = scored[int(off.argmax())]
        raise InputError(f"{chunk.where(at)}: the probabilities of the moods do not add up to 1. {_CHANGED}")
    return table


def _numbers(values: object) -> Floats | None:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_number(value: object) -> bool:
    read = _numbers(value)
    return read is not None and read.ndim == 0  # a list of one number is none


def _flags(chunk: Chunk, scored: list[int], name: str, values: list[Any]) -> Bools:
    found = [_FLAGS.get(value) if isinstance(value, (bool, str)) else None for value in values]
    if None in found:
        at = scored[found.index(None)]
        raise InputError(f"{chunk.where(at)}: column '{name}' is neither true nor false. {_CHANGED}")
    return np.array(found, dtype=np.bool_)


# Spreadsheets write their own spelling.
_FLAGS: Final[dict[object, bool]] = {
    spelled: value
    for value, word in ((True, "true"), (False, "false"))
    for spelled in (value, word, word.upper(), word.title())
}


def _cells(moods: list[int], topics: list[tuple[int, ...]]) -> tuple[Ints, Ints]:
    cells: list[int] = []
    rows: list[int] = []
    for row, (mood, slots) in enumerate(zip(moods, topics, strict=True)):
        cells.append(mood)
        rows.append(row)
        for slot in slots or (NO_TOPIC,):
            cells.append(slot * len(MOODS) + mood)
            rows.append(row)
    return np.array(cells, dtype=np.int64), np.array(rows, dtype=np.int64)
