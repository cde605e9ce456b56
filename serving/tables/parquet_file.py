"""Reading Parquet batch by batch, with the Arrow types kept for an output that can hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import InputError
from serving.tables.columns import check_distinct
from serving.tables.table import CHUNK_ROWS, CHUNK_WEIGHT, Chunk, Fault, Row, Table

_READ_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class ArrowChunk:
    """Rows as Arrow holds them; `first` is the first one's number in the file, from 1."""

    name: str
    batch: pa.RecordBatch
    first: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that these rows have."""
        return tuple(self.batch.schema.names)

    def __len__(self) -> int:
        return self.batch.num_rows

    def column(self, name: str) -> list[object]:
        """The values of one column, nulls as None."""
        if name not in self.batch.schema.names:
            return [None] * len(self)
        return self._values(name)

    def rows(self) -> Sequence[Row]:
        """The rows as plain values."""
        columns = [self._values(name) for name in self.columns]
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*columns, strict=True)]

    @property
    def faults(self) -> Mapping[int, Fault]:
        """None: the format holds no row that is none."""
        return {}

    def where(self, index: int) -> str:
        """File and row of one row, for messages."""
        return f"{self.name}, row {self.first + index}"

    def _values(self, name: str) -> list[object]:
        array = self.batch.column(name)
        try:
            return plain_values(array)
        except (ValueError, OverflowError, pa.ArrowException) as error:
            raise InputError(
                f"{self.name}: column '{name}' ({array.type}) has values that only Parquet can hold "
                f"({error}). Write .parquet, or take the column out."
            ) from error


@contextmanager
def open_parquet(name: str) -> Iterator[Table]:
    """Open a Parquet file.

    Raises:
        InputError: The file is not Parquet or damaged; later also while its chunks are taken.
    """
    with damaged(name):
        # A buffered read takes pages as they are needed; the default would hold whole row groups.
        file = pq.ParquetFile(Path(name), buffer_size=_READ_BYTES, pre_buffer=False)
    with file:
        schema = file.schema_arrow
        check_distinct(name, schema.names)
        if not schema.names:
            raise InputError(f"{name} has no columns.")
        total = max(file.metadata.num_rows, 1)
        done = 0

        def chunks() -> Iterator[Chunk]:
            nonlocal done
            batches = file.iter_batches(batch_size=_batch_rows(file.metadata))
            while True:
                with damaged(name):
                    batch = next(batches, None)
                if batch is None:
                    break
                chunk = ArrowChunk(name, batch, done + 1)
                done += batch.num_rows
                yield chunk
            if done == 0:
                yield ArrowChunk(name, pa.RecordBatch.from_pylist([], schema=schema), 1)

        not_text = {field.name: str(field.type) for field in schema if not is_text(field.type)}
        yield Table(name, tuple(schema.names), chunks(), lambda: done / total, not_text)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text, in any of Arrow's ways."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def plain_values(array: pa.Array[Any]) -> list[object]:
    """Python values of a column. Raises ValueError, OverflowError or ArrowException where there are none."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    try:
        if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
            # Python counts microseconds; finer times become text rather than lose digits.
            array = array.cast(pa.timestamp("us", tz=array.type.tz))
        return list(array.to_pylist())
    except UnicodeDecodeError:
        if not is_text(array.type):
            raise
        # Bytes that are not UTF-8 become half characters: that one text is rejected, not the file.
        stored = array.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in stored]
    except (ValueError, OverflowError):
        return list(array.cast(pa.large_string()).to_pylist())


@contextmanager
def damaged(name: str) -> Iterator[None]:
    """Turn what Arrow raises on a broken file into InputError."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise InputError(
            f"{name} is not a sound Parquet file ({reason}). Was it copied completely? Export it again."
        ) from error


def _batch_rows(metadata: pq.FileMetaData) -> int:
    stored = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    per_row = stored // max(metadata.num_rows, 1) + metadata.num_columns
    return max(1, min(CHUNK_ROWS, CHUNK_WEIGHT // max(per_row, 1)))
