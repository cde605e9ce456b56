"""Looking through a job before hours of scoring are spent on it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from serving.batch.job import Job
from serving.batch.parts import read_parts
from serving.tables.added import ADDED
from serving.tables.files import rehearsed, writing
from serving.tables.progress import Show
from serving.tables.table import Say

_NOTHING: Final = dict.fromkeys(ADDED)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: how many rows there are, and which column their texts are in."""

    rows: int
    text_column: str


def look_through(job: Job, say: Say, show: Show) -> Looked:
    """Read all rows and write them, without results, to nowhere.

    What would end the run in its last row ends it now: a byte that is no text, a quote that never closes, a column
    that cannot be kept.

    Raises:
        InputError: An input, a column or an option cannot be used.
    """
    rows = 0
    text_column = ""
    with rehearsed(job.output) as writer, closing(read_parts(job, say)) as parts:
        for part in parts:
            rows += len(part)
            text_column = part.text_column
            with writing(job.output):
                writer.write(part.chunk, [_NOTHING] * len(part))
            show(rows, part.fraction)
    return Looked(rows, text_column)
