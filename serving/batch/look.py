"""Looking through a job before hours of scoring are spent on it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from model.errors import InputError
from serving.batch.job import Job
from serving.batch.parts import BAD_ROW, read_parts
from serving.tables.added import ADDED
from serving.tables.files import rehearsed, writing
from serving.tables.progress import Show
from serving.tables.table import Chunk, Say

_NOTHING: Final = dict.fromkeys(ADDED)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: how many rows there are, and which column their texts are in."""

    rows: int
    text_column: str


class _BadRows:
    """Counts the rows of each input that are none."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._name = ""
        self._rows = 0
        self._bad = 0
        self._first = ""

    def watch(self, chunk: Chunk) -> None:
        if chunk.name != self._name:
            self.tell()
            self._name, self._rows, self._bad = chunk.name, 0, 0
        if chunk.faults and not self._bad:
            self._first = next(iter(chunk.faults.values())).message
        self._rows += len(chunk)
        self._bad += len(chunk.faults)

    def tell(self) -> None:
        """Say how many there are in this input; refuse it if it is hardly the table it is read as."""
        if self._bad > self._rows / 2:
            raise InputError(
                f"{self._name}: {self._bad:,} of {self._rows:,} rows cannot be read, the first: {self._first}. "
                "Is this the right format, and --delimiter the right one?"
            )
        if self._bad:
            self._say(
                f"{self._name}: {self._bad:,} of {self._rows:,} rows cannot be read as rows (the first: "
                f"{self._first}). They are kept, with the error {BAD_ROW} and no prediction."
            )


def look_through(job: Job, say: Say, show: Show) -> Looked:
    """Read all rows and write them, without results, to nowhere.

    What would end the run in its last row ends it now: a byte that is no text, a quote that never closes, a column
    that cannot be kept.

    Raises:
        InputError: An input, a column or an option cannot be used.
    """
    rows = 0
    text_column = ""
    bad = _BadRows(say)
    with rehearsed(job.output) as writer, closing(read_parts(job, say)) as parts:
        for part in parts:
            rows += len(part)
            bad.watch(part.chunk)
            text_column = part.text_column
            with writing(job.output):
                writer.write(part.chunk, [_NOTHING] * len(part))
            show(rows, part.fraction)
        bad.tell()
    return Looked(rows, text_column)
