"""The shape between a file and the scorer: tables that come in chunks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

Row = dict[str, object]
Say = Callable[[str], None]

CHUNK_ROWS: Final = 2_048
"""Rows scored together: wide enough to sort texts by length well."""

CHUNK_WEIGHT: Final = 32 * 2**20
"""Closes a chunk early where rows are wide or cells huge, so that memory stays flat."""

CELL_WEIGHT: Final = 64
"""About what a cell costs in memory beyond its characters."""

MAX_CELL: Final = 16 * 2**20
"""Characters of a CSV cell or a JSONL line; more is a broken file, and reading on would fill the memory."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something in a file is no row of its table; `line` is its text where it has no cells to keep."""

    message: str
    line: str | None = None


class Chunk(Protocol):
    """Some rows of one input, in input order."""

    @property
    def name(self) -> str:
        """The input's name."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that these rows have."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> list[object]:
        """The values of one column; None where a row lacks it."""

    def rows(self) -> Sequence[Row]:
        """The rows as plain values."""

    @property
    def faults(self) -> Mapping[int, Fault]:
        """Rows that cannot be scored as they stand in the file, by index."""

    def where(self, index: int) -> str:
        """File and line of one row, for messages."""


@dataclass(frozen=True, slots=True)
class RowChunk:
    """A chunk of plain rows; `lines` are their places in the file, counted in `unit`."""

    name: str
    columns: tuple[str, ...]
    records: list[Row]
    lines: list[int]
    unit: str
    faults: Mapping[int, Fault]

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> list[object]:
        """The values of one column; None where a row lacks it."""
        return [record.get(name) for record in self.records]

    def rows(self) -> Sequence[Row]:
        """The rows as plain values."""
        return self.records

    def where(self, index: int) -> str:
        """File and line of one row, for messages."""
        return f"{self.name}, {self.unit} {self.lines[index]}"


@dataclass(frozen=True, slots=True)
class Table:
    """An opened input.

    `chunks` gives at least one chunk, empty where the table has no rows. `fraction` is the share
    read so far, None where the whole is unknown. `not_text` maps columns that are declared as
    something else than text to their type. In an `open_ended` table later rows may bring columns
    that are not among `columns`.
    """

    name: str
    columns: tuple[str, ...]
    chunks: Iterator[Chunk]
    fraction: Callable[[], float | None]
    not_text: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False


class Writer(Protocol):
    """An output being written."""

    def write(self, chunk: Chunk, added: Sequence[Row]) -> None:
        """Write the chunk's rows, each followed by its added columns."""

    def finish(self) -> None:
        """Write what completes the file."""

    def abandon(self) -> None:
        """Let go of everything instead of finishing."""


class Record(NamedTuple):
    """What a reader found at a `place` in its file; `weight` is about what it takes of memory."""

    place: int
    row: Row
    weight: int
    fault: Fault | None = None


def in_chunks(found: Iterable[Record], name: str, columns: tuple[str, ...] | None, *, unit: str) -> Iterator[RowChunk]:
    """Group records into chunks, at least one; `columns` None: those of the rows themselves."""
    empty = True
    for records in _groups(found):
        yield _chunk(records, name, columns, unit)
        empty = False
    if empty:
        yield _chunk([], name, columns, unit)


def _groups(found: Iterable[Record]) -> Iterator[list[Record]]:
    records: list[Record] = []
    weight = 0
    for record in found:
        records.append(record)
        weight += record.weight
        if len(records) >= CHUNK_ROWS or weight >= CHUNK_WEIGHT:
            yield records
            records, weight = [], 0
    if records:
        yield records


def _chunk(records: list[Record], name: str, columns: tuple[str, ...] | None, unit: str) -> RowChunk:
    rows = [record.row for record in records]
    faults = {at: record.fault for at, record in enumerate(records) if record.fault}
    return RowChunk(name, columns or _keys(rows), rows, [record.place for record in records], unit, faults)


def _keys(records: list[Row]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for record in records:
        seen.update(dict.fromkeys(record))
    return tuple(seen)


def names(columns: Iterable[str], limit: int = 40) -> str:
    """Columns as a message lists them."""
    listed = [f"'{column}'" for column in columns]
    rest = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {rest} more" if rest > 0 else "")
