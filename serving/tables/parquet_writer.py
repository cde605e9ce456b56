"""Writing Parquet: the first input's types, then the added columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import InputError
from model.labels import MOODS
from serving.tables.added import ADDED
from serving.tables.cells import as_cell_text, encoded
from serving.tables.columns import fixed_rows
from serving.tables.parquet_file import ArrowChunk, is_text
from serving.tables.table import Chunk, Row

_GROUP_ROWS: Final = 65_536
_GROUP_BYTES: Final = 64 * 2**20

ADDED_FIELDS: Final[list[pa.Field[Any]]] = [
    pa.field("mood", pa.string()),
    *(pa.field(mood, pa.float64()) for mood in MOODS),
    pa.field("topics", pa.list_(pa.string())),
    pa.field("needs_review", pa.bool_()),
    pa.field("truncated", pa.bool_()),
    pa.field("error", pa.string()),
]


class ParquetWriter:
    """Writes row groups of a useful size, whatever the size of the chunks."""

    def __init__(self, stream: BinaryIO, added: Sequence[str] = ADDED) -> None:
        self._stream = stream
        self._added = [field for field in ADDED_FIELDS if field.name in added]
        self._input: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []

    def write(self, chunk: Chunk, added: Sequence[Row]) -> None:
        """Take the chunk's rows, each followed by its added columns."""
        if self._input is None:
            self._input = chunk.batch.schema if isinstance(chunk, ArrowChunk) else _inferred(chunk)
        columns = _input_columns(chunk, self._input)
        for field in self._added:
            columns.append(pa.array([row[field.name] for row in added], type=field.type))
        schema = pa.schema([*self._input, *self._added]).with_metadata(self._input.metadata)
        self._pending.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        if (
            sum(batch.num_rows for batch in self._pending) >= _GROUP_ROWS
            or sum(batch.nbytes for batch in self._pending) >= _GROUP_BYTES
        ):
            self._write_group()

    def finish(self) -> None:
        """Write the last row group and the footer."""
        self._write_group()
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Drop the rows not yet written."""
        self._pending.clear()

    def _write_group(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending).unify_dictionaries()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._stream, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._pending = []


def _inferred(chunk: Chunk) -> pa.Schema:
    """Types for rows that declare none: what all values of the first chunk are, text where they differ."""
    return pa.schema([(name, _type_of(chunk.column(name))) for name in chunk.columns])


def _type_of(values: list[Any]) -> pa.DataType:
    # Lists and objects become JSON text: later rows may bring keys that a type inferred here would drop.
    if any(isinstance(value, (str, list, dict)) for value in values):
        return pa.string()
    try:
        inferred = pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return pa.string()
    return pa.string() if pa.types.is_null(inferred) else inferred


def _input_columns(chunk: Chunk, schema: pa.Schema) -> list[pa.Array[Any]]:
    if isinstance(chunk, ArrowChunk):
        arrays = [(field, chunk.batch.column(field.name)) for field in schema]
        return [
            array if array.type == field.type else _converted(chunk, chunk.column(field.name), field)
            for field, array in arrays
        ]
    rows = list(fixed_rows(chunk, tuple(schema.names)))
    return [_converted(chunk, [row[i] for row in rows], field) for i, field in enumerate(schema)]


def _converted(chunk: Chunk, values: list[object], field: pa.Field[Any]) -> pa.Array[Any]:
    """Values under a type decided before; a number that does not fit or a text among numbers is refused."""
    if is_text(field.type):
        texts = [None if value is None else encoded(as_cell_text(value)).decode() for value in values]
        return pa.array(texts, type=pa.large_string()).cast(field.type)
    try:
        return _fitted(values, field.type)
    except (TypeError, ValueError, OverflowError, pa.ArrowException):
        index = next(i for i, value in enumerate(values) if not _fits(value, field.type))
        raise InputError(
            f"{chunk.where(index)}: '{as_cell_text(values[index])[:40]}' does not fit column '{field.name}', "
            f"which the rows before made {field.type}. Write .csv or .jsonl, where a column's types may vary."
        ) from None


def _fits(value: object, kind: pa.DataType) -> bool:
    try:
        _fitted([value], kind)
    except (TypeError, ValueError, OverflowError, pa.ArrowException):
        return False
    return True


def _fitted(values: list[Any], kind: pa.DataType) -> pa.Array[Any]:
    # Never pa.array(values, type=kind): that cuts 1.5 down to 1 for an integer column without a word.
    found = pa.array(values)
    if found.type != kind and not pa.types.is_null(found.type) and _family(found.type) != _family(kind):
        raise TypeError(f"{found.type} is not {kind}")
    fitted: pa.Array[Any] = found.cast(kind)
    return fitted


def _family(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    return str(kind)
