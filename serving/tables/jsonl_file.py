"""JSON Lines: one object a line, written on as it came with the added columns at its end."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, NoReturn

from model.errors import InputError
from serving.tables.cells import json_text
from serving.tables.lines import Lines, find_encoding, opened_lines
from serving.tables.source import Compression
from serving.tables.table import CELL_WEIGHT, Chunk, Fault, Record, Row, Say, Table, in_chunks


@contextmanager
def open_jsonl(name: str, *, compression: Compression | None, encoding: str | None, say: Say) -> Iterator[Table]:
    """Open a JSONL file, or standard input for `-`; its columns are the keys of its first chunk.

    Raises:
        InputError: No line is a JSON object; later, while its chunks are taken, what cannot be read as text.
    """
    codec, _ = find_encoding(name, compression=compression, encoding=encoding, say=say)
    # Only "\n" ends a line: JSON text may hold the other characters that Unicode calls line ends.
    with opened_lines(name, compression=compression, newline="\n", codec=codec) as (lines, fraction):
        chunks = in_chunks(_rows(lines), lines.name, None, unit="line")
        first = next(chunks)
        if not first.records:
            raise InputError(f"{lines.name} has no rows: it holds no JSON object.")
        if len(first.faults) == len(first.records):
            raise InputError(
                f'{lines.name}, {first.faults[0].message}. Each line must be one JSON object, such as {{"text": "…"}}.'
            )
        yield Table(lines.name, first.columns, chain([first], chunks), fraction, open_ended=True)


def _rows(lines: Lines) -> Iterator[Record]:
    for line in lines:
        lines.begin_record()
        if line.isspace():
            continue
        try:
            row = _DECODER.decode(line)
        except RecursionError:
            yield _no_row(lines, line, "not JSON (nested too deeply)")
            continue
        except ValueError as error:
            yield _no_row(lines, line, f"not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield Record(lines.number, row, len(line) + CELL_WEIGHT * len(row))
        else:
            yield _no_row(lines, line, "not a JSON object")


def _no_row(lines: Lines, line: str, reason: str) -> Record:
    return Record(lines.number, {}, len(line), Fault(f"line {lines.number}: {reason}", line.rstrip("\r\n")))


def _distinct(pairs: list[tuple[str, object]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands twice in one object, and one of the values would be lost")
    return row


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value; write null")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_finite)


class JsonlWriter:
    """Writes each row as an object on its own line, its own keys first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, chunk: Chunk, added: Sequence[Row]) -> None:
        """Write the chunk's rows, each followed by its added columns."""
        self._stream.write(b"".join(_line({**row, **extra}) for row, extra in zip(chunk.rows(), added, strict=True)))
        self._stream.flush()  # so that the next program of a pipe can begin

    def finish(self) -> None:
        """Nothing completes a JSONL file."""

    def abandon(self) -> None:
        """Nothing is held."""


def _line(row: Row) -> bytes:
    text = json_text(row)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half characters came as escapes, and go out as escapes
        return json.dumps(json.loads(text)).encode() + b"\n"
