"""From the parts that a pipeline wrote to one output file for each input file.

Ray's parts hold texts with their added columns. The other columns are read from the input again, so that they never
travel and every one keeps its type, and the texts of both are compared: a row lost, doubled or moved cannot pass.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model.errors import InputError, RidaError
from serving.cluster.inputs import Input
from serving.cluster.job import Fingerprint, fingerprint
from serving.tables.added import ADDED
from serving.tables.files import create_table
from serving.tables.parquet_file import ArrowChunk, open_parquet, plain_values
from serving.tables.table import Row

PATH: Final = "path"
"""The column in which Ray says which file a row is from."""


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one input that stand together in a part."""

    part: Path
    first: int
    rows: int


def find_runs(parts: Path) -> dict[str, list[Run]]:
    """Where the rows of each input are, in its order; parts are numbered in the order in which files were read."""
    found: dict[str, list[Run]] = defaultdict(list)
    for part in sorted(parts.glob("*.parquet"), key=_number):
        first = 0
        runs = pc.call_function("run_end_encode", [pq.read_table(part, columns=[PATH])[PATH].combine_chunks()])
        for path, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            found[path].append(Run(part, first, end - first))
            first = end
    return found


def _number(part: Path) -> list[int]:
    # Ray's names end in the numbers of task and file: …_000012-0.parquet
    return [int(digits) for digits in re.findall(r"\d+", part.stem.rpartition("_")[2])]


def assemble(one: Input, expected: Fingerprint, runs: Sequence[Run], output: Path, *, text_column: str) -> Fingerprint:
    """Write the output of one input from its runs, and say what it is; it takes its name when all is on disk.

    Raises:
        InputError: The input was changed meanwhile, or the output cannot be written.
        RidaError: The parts do not hold the input's rows in its order.
    """
    refuse_changed(one, expected)
    output.parent.mkdir(parents=True, exist_ok=True)
    scored = _Scored(runs)
    with open_parquet(str(one.path)) as table, create_table(str(output), say=lambda message: None) as writer:
        for chunk in table.chunks:
            assert isinstance(chunk, ArrowChunk)
            rows = scored.take(len(chunk))
            if not _bytes(chunk.batch.column(text_column)).equals(_bytes(rows[text_column])):
                raise RidaError(f"{one.path}: Ray gave other rows than the file's, or in another order. {_REPORT}")
            writer.write(chunk, _added(rows))
        if scored.left():
            raise RidaError(f"{one.path}: Ray gave more rows than the file has. {_REPORT}")
    return fingerprint(output)


def refuse_changed(one: Input, expected: Fingerprint) -> None:
    """Raise InputError if an input is no longer what it was when the run began."""
    if fingerprint(one.path) != expected:
        raise InputError(
            f"{one.path} was changed since this run began. Let whoever writes it finish, and run this again; what is "
            "done is kept."
        )


_REPORT: Final = "Nothing was written for it; please report this with the version of Ray."


class _Scored:
    """The rows of some runs, one after the other, with one part in memory at a time."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._tables: Iterator[pa.Table] = (pq.read_table(run.part).slice(run.first, run.rows) for run in runs)
        self._rest: pa.Table | None = None

    def take(self, count: int) -> dict[str, pa.Array[Any]]:
        """The next rows, fewer where there are no more."""
        taken: list[pa.Table] = []
        while count > 0:
            table = self._rest if self._rest is not None else next(self._tables, None)
            if table is None:
                break
            taken.append(table.slice(0, count))
            self._rest = table.slice(count) if table.num_rows > count else None
            count -= taken[-1].num_rows
        if not taken:
            return defaultdict(lambda: pa.array([], pa.string()))
        joined = pa.concat_tables(taken, promote_options="permissive")
        return {name: joined[name].combine_chunks() for name in joined.column_names}

    def left(self) -> bool:
        """Whether there are rows that nobody took."""
        return self._rest is not None or next(self._tables, None) is not None


def _bytes(texts: pa.Array[Any]) -> pa.Array[Any]:
    if pa.types.is_dictionary(texts.type):
        texts = texts.cast(texts.type.value_type)
    return texts.cast(pa.large_binary())


def _added(rows: dict[str, pa.Array[Any]]) -> list[Row]:
    columns = [plain_values(rows[name]) for name in ADDED]
    return [dict(zip(ADDED, values, strict=True)) for values in zip(*columns, strict=True)]
