"""The rows of a job, a chunk at a time through all its inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from model.prediction import Rejection
from serving.batch.job import Job
from serving.tables.added import refuse_added
from serving.tables.cells import as_cell_text
from serving.tables.columns import check_is_text, check_same, choose_id_column, choose_text_column
from serving.tables.files import open_table
from serving.tables.source import PIPE
from serving.tables.table import Chunk, Say, Table

BAD_ROW: Final = "bad_row"
"""The code of the error of a row that cannot be scored as it stands in its file."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk to score: where its texts and ids are, and the share of all inputs read with it."""

    chunk: Chunk
    text_column: str
    id_column: str | None
    fraction: float | None

    def __len__(self) -> int:
        return len(self.chunk)

    def texts(self) -> list[object]:
        """The texts."""
        return as_texts(self.chunk.column(self.text_column))

    def rejected(self) -> dict[int, Rejection]:
        """The rows that cannot be scored as they stand in their file, by index."""
        return {at: Rejection("", BAD_ROW, fault.message) for at, fault in self.chunk.faults.items()}

    def ids(self, rows_before: int) -> list[str]:
        """The ids, each row's number from 1 where it has none."""
        numbers = range(rows_before + 1, rows_before + 1 + len(self.chunk))
        if self.id_column is None:
            return [str(number) for number in numbers]
        given = self.chunk.column(self.id_column)
        return [as_cell_text(value) or str(number) for value, number in zip(given, numbers, strict=True)]


def as_texts(cells: Sequence[object]) -> list[object]:
    """The texts in a column's cells; an empty cell is an empty text in every format."""
    return ["" if cell is None else cell for cell in cells]


def digest(texts: Sequence[object]) -> str:
    """A checksum of texts, so that results are never joined to others."""
    found = hashlib.blake2b(digest_size=16)
    for text in texts:
        content = (text if isinstance(text, str) else repr(text)).encode("utf-8", "surrogatepass")
        found.update(len(content).to_bytes(8, "little") + content)
    return found.hexdigest()


def read_parts(job: Job, say: Say, *, check_others: bool = True) -> Generator[Part]:
    """Read all inputs in order; where `check_others`, their headers are compared before the first row is given.

    Raises:
        InputError: An input, or a column that was asked for, cannot be used.
    """
    text: str | None = None
    id_column: str | None = None
    sizes = [0 if name == PIPE else Path(name).stat().st_size for name in job.inputs]
    for number, name in enumerate(job.inputs):
        with _opened(job, name, say) as table:
            first = next(table.chunks)
            if text is None:
                text = choose_text_column(table, first, job.text_column, say)
                id_column = choose_id_column(table, first, job.id_column)
                if check_others:
                    _check_others(job, table, text)
            for chunk in chain([first], table.chunks):
                refuse_added(table, chunk)
                share = table.fraction()
                whole = None if share is None else (sum(sizes[:number]) + share * sizes[number]) / sum(sizes)
                yield Part(_with_lines(chunk, text), text, id_column, whole)


def _with_lines(chunk: Chunk, text_column: str) -> Chunk:
    """Lines that have no cells stand where the texts do, so that nothing of the input is missing in the output."""
    for at, fault in chunk.faults.items():
        if fault.line is not None:
            chunk.rows()[at][text_column] = fault.line
    return chunk


def _opened(job: Job, name: str, say: Say) -> AbstractContextManager[Table]:
    return open_table(name, encoding=job.encoding, delimiter=job.delimiter, say=say)


def _check_others(job: Job, first: Table, text: str) -> None:
    """Open the other inputs once, so that a difference is found at once and not after the first was read."""
    for name in job.inputs[1:]:
        if name != PIPE:
            with _opened(job, name, lambda message: None) as other:
                check_same(first, other)
                check_is_text(other, text)
