"""CSV and TSV: read strictly, so that a broken file is refused and a broken row named, and neither read askew."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final

from model.errors import InputError
from serving.tables.added import ADDED, added_cells
from serving.tables.cells import as_cell_text, encoded
from serving.tables.columns import check_distinct, fixed_rows
from serving.tables.lines import Lines, find_encoding, opened_lines
from serving.tables.ragged import fitted, joined, special
from serving.tables.source import Compression
from serving.tables.table import CELL_WEIGHT, MAX_CELL, Chunk, Record, Row, Say, Table, in_chunks

COMMA: Final = ","
TAB: Final = "\t"
_NAMES: Final = {";": "semicolons", TAB: "tabs", "|": "bars"}


@contextmanager
def open_csv(
    name: str, *, compression: Compression | None, encoding: str | None, delimiter: str | None, say: Say
) -> Iterator[Table]:
    """Open a CSV file; without `delimiter` a comma separates cells unless the header clearly shows another.

    Raises:
        InputError: The file cannot be read as CSV; later also while its chunks are taken.
    """
    codec, start = find_encoding(name, compression=compression, encoding=encoding, say=say)
    if delimiter is None:
        delimiter = _found_out(start.decode(codec, errors="replace"))
        if delimiter != COMMA:
            say(f"{name}: read as separated by {_NAMES[delimiter]}, as its header shows.")
    with opened_lines(name, compression=compression, newline="", codec=codec) as (lines, fraction):
        delimiter = checked_delimiter(delimiter)
        records = _records(lines, delimiter)
        header = next((record for _, record in records if record), None)
        if header is None:
            raise InputError(f"{name} has no header. Its first line must name the columns.")
        check_distinct(name, header)
        chunks = in_chunks(_rows(records, header, delimiter), lines.name, tuple(header), unit="line")
        yield Table(lines.name, tuple(header), chunks, fraction)


def checked_delimiter(delimiter: str) -> str:
    r"""The one character that `--delimiter` means; `\t` is a tab. Raises InputError if it cannot be one."""
    meant = TAB if delimiter == "\\t" else delimiter
    if len(meant) != 1 or meant in '"\r\n':
        raise InputError(f"--delimiter {delimiter!r}: give one character, such as ',' ';' '|' or '\\t'.")
    return meant


def _found_out(start: str) -> str:
    # Only the header is asked, and only where no comma is in it: customers' texts are full of both.
    header = re.sub(r'"[^"]*"', "", start.lstrip("\ufeff").lstrip("\r\n").split("\n", 1)[0])
    return next((other for other in _NAMES if other in header and COMMA not in header), COMMA)


def _records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; blank lines are empty records."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    blank = 0
    while True:
        lines.begin_record()
        first = lines.number + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _broken(lines, first, delimiter, error) from error
        if record is None:
            return  # blank lines at the end are no rows
        if not record:
            blank += 1
            continue
        for line in range(first - blank, first):
            yield line, []
        blank = 0
        yield first, record


def _rows(records: Iterator[tuple[int, list[str]]], header: list[str], delimiter: str) -> Iterator[Record]:
    width = len(header)
    for line, found in records:
        cells = found
        if not cells:
            if width > 1:
                continue  # a blank line holds no row of several cells
            cells = [""]  # but may be the one empty cell of a list of texts
        weight = sum(map(len, cells)) + CELL_WEIGHT * width
        if len(cells) == width:
            yield Record(line, dict(zip(header, cells, strict=True)), weight)
        else:
            yield Record(line, *fitted(header, cells, delimiter, f"line {line}", weight))


def _broken(lines: Lines, first: int, delimiter: str, error: csv.Error) -> InputError:
    opened = first + _last_opened(lines.record, delimiter)
    if opened < first:
        return InputError(f"{lines.name}, line {lines.number}: {error}.")
    return InputError(
        f'{lines.name}, line {opened}: the quote (") that opens here is not closed as it should be; noticed '
        f"on line {lines.number}. Close it, and write a quote inside a quoted cell twice."
    )


def _last_opened(record: list[str], delimiter: str) -> int:
    """The line within a broken record on which its last quoted cell opens, from 0; -1 if none does."""
    opened = -1
    state = "start"
    for number, line in enumerate(record):
        for character in line:
            if state == "start" and character == '"':
                opened, state = number, "quoted"
            elif state == "quoted":
                state = "closed" if character == '"' else "quoted"
            elif state == "closed" and character == '"':
                state = "quoted"  # a doubled quote is a quote in the text
            elif character == delimiter:
                state = "start"
            elif state == "closed":
                return opened
            else:
                state = "bare"
    return opened


class CsvWriter:
    """Writes UTF-8 CSV with a header; cells keep their text exactly."""

    def __init__(self, stream: BinaryIO, delimiter: str, added: Sequence[str] = ADDED) -> None:
        self._stream = stream
        self._added = added
        self._delimiter = delimiter
        self._special = special(delimiter)
        self._columns: tuple[str, ...] | None = None

    def write(self, chunk: Chunk, added: Sequence[Row]) -> None:
        """Write the chunk's rows, each followed by its added columns."""
        text = []
        if self._columns is None:
            self._columns = chunk.columns
            text.append(self._line([*chunk.columns, *self._added]))
        for values, extra in zip(fixed_rows(chunk, self._columns), added, strict=True):
            cells = [as_cell_text(value) for value in (*values, *added_cells(extra).values())]
            text.append(self._line(cells))
        self._stream.write(encoded("".join(text)))

    def finish(self) -> None:
        """Nothing completes a CSV file."""

    def abandon(self) -> None:
        """Nothing is held."""

    def _line(self, cells: Sequence[str]) -> str:
        return joined(cells, self._delimiter, self._special) + "\n"
